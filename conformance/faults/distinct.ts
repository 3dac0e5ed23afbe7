import { constants } from 'node:fs';
import type { Call } from '../harness/calls.ts';
import type { Point } from './points.ts';

/**
 * Calls without effects outside the process: once it is dead, it does not matter whether it made them. Changes of user
 * or capabilities do not count, since they can reset PR_SET_PDEATHSIG.
 */
const unseen: ReadonlySet<string> = new Set(
  [
    'arch_prctl brk chdir clock_gettime dup3 eventfd2 faccessat2 fchdir fcntl fsconfig fsmount fsopen fstat fstatfs',
    'getcwd getdents64 geteuid getgroups getpid getrandom getresgid getresuid getsockopt lstat madvise memfd_create mmap',
    'mremap munmap newfstatat open open_tree openat openat2 pidfd_open pipe2 prlimit64 readlink readlinkat rt_sigaction',
    'rt_sigprocmask rt_sigreturn seccomp set_tid_address setgroups socket socketpair stat statfs statx umask uname',
  ].flatMap((line) => line.split(' ')),
);

/** PR_CAPBSET_DROP, PR_SET_NAME, PR_SET_KEEPCAPS, PR_CAP_AMBIENT. */
const unseenPrctl: ReadonlySet<number> = new Set([24, 15, 8, 47]);

function isUnseen({ name, arguments: [first = 0, second = 0, third = 0] }: Call): boolean {
  if (name === 'prctl') return unseenPrctl.has(first);
  const flags = name === 'open' ? second : name === 'openat' || name === 'openat2' ? third : 0;
  return unseen.has(name) && (flags & (constants.O_CREAT | constants.O_TRUNC)) === 0;
}

/**
 * One point for each group of equivalent ones. A death after a call without outside effects equals a death before it.
 * Equal errors of the same call between the same neighbours are iterations of a loop, of which the last has most to undo.
 */
export function distinct(points: readonly Point[]): Point[] {
  const before = new Map<Call, Call>();
  const after = new Map<Call, Call>();
  const last = new Map<string, Call>();
  for (const call of new Set(points.map((point) => point.call))) {
    const previous = last.get(call.process);
    if (previous !== undefined) {
      before.set(call, previous);
      after.set(previous, call);
    }
    last.set(call.process, call);
  }
  const alike = new Map<string, Point>();
  for (const point of points) {
    const { call, kind, action, key } = point;
    const [previous, next] = [before.get(call), after.get(call)];
    if (kind === 'errno') {
      alike.set([call.process, previous?.name, call.name, next?.name, action].join(' '), point);
    } else if (previous === undefined || !isUnseen(previous)) {
      alike.set(key, point);
    }
  }
  return [...alike.values()];
}
