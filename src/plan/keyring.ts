import type { PlannedOp } from './types.ts';

/** A session keyring that all processes of a container share, named after it (session-keyring(7)). */
export function keyringOps(id: string): PlannedOp[] {
  return [{ op: 'session_keyring', name: `_ses.${id}`, from: 'default' }];
}
