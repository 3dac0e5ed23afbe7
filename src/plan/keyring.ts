import type { PlannedOp } from './types.ts';

/** Permissions to search a keyring (keyctl(2)): of its user, or of others where users are mapped. */
const search = { user: 0x80000, other: 0x8 } as const;

/** A session keyring that all processes of a container share, named after it (session-keyring(7)). */
export function keyringOps(id: string, mapped: boolean): PlannedOp[] {
  const permission = mapped ? search.other : search.user;
  return [{ op: 'session_keyring', name: `_ses.${id}`, permission, from: 'default' }];
}
