import { KEY_OTH_SEARCH, KEY_USR_SEARCH } from '../kernel/processes.ts';
import type { PlannedOp } from './types.ts';

/**
 * The name of a container's keyring. Names are global on the host, and a container that joins a keyring which another
 * user has made with open permissions shares its keys with that user: so the name ends with a nonce. Earlier versions
 * of rt used a name without one.
 */
export function keyringName(id: string, nonce: string): string {
  return nonce === '' ? `_ses.${id}` : `_ses.${id}.${nonce}`;
}

/** A named session keyring that all processes of a container share (session-keyring(7)). */
export function keyringOps(name: string, mapped: boolean): PlannedOp[] {
  // Its user may search it, or others if users are mapped.
  const permission = mapped ? KEY_OTH_SEARCH : KEY_USR_SEARCH;
  return [{ op: 'session_keyring', name, permission, from: 'default' }];
}
