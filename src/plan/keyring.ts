import { KEY_OTH_SEARCH, KEY_USR_SEARCH } from '../kernel/processes.ts';
import type { PlannedOp } from './types.ts';

/**
 * The name of a container's keyring. Names are for everybody on the host, and a container that joins one which somebody
 * else has made, with open permissions, shares its keys with him: so it ends with a nonce. Without one it is a name that
 * earlier versions of rt have given.
 */
export function keyringName(id: string, nonce: string): string {
  return nonce === '' ? `_ses.${id}` : `_ses.${id}.${nonce}`;
}

/** A session keyring that all processes of a container share, by its name (session-keyring(7)). */
export function keyringOps(name: string, mapped: boolean): PlannedOp[] {
  // Who may search it: its user, or others where users are mapped.
  const permission = mapped ? KEY_OTH_SEARCH : KEY_USR_SEARCH;
  return [{ op: 'session_keyring', name, permission, from: 'default' }];
}
