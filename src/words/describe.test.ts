import t from 'tap';
import { ENOENT, ENOSYS } from '../kernel/errno.ts';
import type { PlannedOp } from '../plan/types.ts';
import { describeOp } from './describe.ts';

t.test('describeOp: messages by which engines choose an exit code', async (t) => {
  const lookup = (name: string, errno: number): string =>
    describeOp({ op: 'find_program', name, search: '/bin', from: '/process/args/0' }, errno, 'execve', '').message;
  t.equal(lookup('nosuch', ENOENT), 'exec: "nosuch": executable file not found in $PATH: /bin');
  t.equal(lookup('/nosuch', ENOENT), 'exec: "/nosuch": stat /nosuch: no such file or directory');
  t.equal(lookup('/x', 13), 'exec: "/x": permission denied');
  t.equal(lookup('/etc', 21), 'exec: "/etc": is a directory: permission denied');
});

t.test('describeOp: a mount names both sides, and the missing source its pointer', async (t) => {
  const op: PlannedOp = {
    op: 'mount_bind',
    slot: 0,
    source: '/data',
    destination: '/srv',
    set: 0,
    clear: 0,
    recursiveSet: 0,
    recursiveClear: 0,
    flags: 0,
    tree: 0,
    from: '/mounts/3',
  };
  t.match(describeOp(op, ENOENT, 'open_tree', ''), {
    message: 'cannot mount "/data" on "/srv": no such file or directory (open_tree)',
    pointer: '/mounts/3/source',
    errno: 'ENOENT',
    hint: /create it/,
  });
});

t.test('describeOp: where the kernel lacks a call, the field that asked for it can be dropped', async (t) => {
  const personality: PlannedOp = { op: 'personality', persona: 8, from: '/linux/personality' };
  t.match(describeOp(personality, ENOSYS, 'personality', ''), {
    message: 'cannot set linux.personality: function not implemented (personality)',
    pointer: '/linux/personality',
    hint: /drop the field/,
  });
  const pivot = describeOp({ op: 'pivot_root', from: 'default' }, ENOSYS, 'pivot_root', '');
  t.equal(pivot.hint, undefined, 'no field asked for it');
});
