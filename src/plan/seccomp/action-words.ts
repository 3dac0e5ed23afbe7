import { errnoName, errnoText } from '../../diag/errno.ts';
import { SECCOMP_RET } from '../../kernel/seccomp.ts';

interface Action {
  /** That of SCMP_ACT_*, as a listing has it. */
  readonly name: string;
  /** Whether the lower 16 bits of the value mean something. */
  readonly hasData?: true;
  /** What it does to a call: the end of a sentence about the call. */
  readonly words: string | ((data: number) => string);
}

const killProcess: Action = { name: 'KILL_PROCESS', words: 'ends its process with SIGSYS' };

/** By the upper 16 bits of what a filter returns: seccomp(2), "return value". */
const actions: ReadonlyMap<number, Action> = new Map([
  [SECCOMP_RET.ALLOW, { name: 'ALLOW', words: 'is allowed' }],
  [SECCOMP_RET.LOG, { name: 'LOG', words: 'is allowed, and logged' }],
  [
    SECCOMP_RET.ERRNO,
    {
      name: 'ERRNO',
      hasData: true,
      words: (errno) =>
        errno === 0 ? 'is not made, but returns 0' : `fails with ${errnoName(errno)} (${errnoText(errno)})`,
    },
  ],
  [SECCOMP_RET.TRAP, { name: 'TRAP', words: 'sends SIGSYS to its thread' }],
  [SECCOMP_RET.KILL_THREAD, { name: 'KILL_THREAD', words: 'ends its thread with SIGSYS' }],
  [SECCOMP_RET.KILL_PROCESS, killProcess],
  [SECCOMP_RET.USER_NOTIF, { name: 'NOTIFY', words: 'is left to the receiver of notifications' }],
  [SECCOMP_RET.TRACE, { name: 'TRACE', hasData: true, words: 'is left to a tracer, without one it fails with ENOSYS' }],
] satisfies [number, Action][]);

function actionOf(value: number): Action | undefined {
  return actions.get((value & SECCOMP_RET.ACTION_FULL) >>> 0);
}

/** What a return value of a filter does to a call; the kernel takes an unknown one for KILL_PROCESS. */
export function actionWords(value: number): string {
  const { words } = actionOf(value) ?? killProcess;
  return typeof words === 'string' ? words : words(value & SECCOMP_RET.DATA);
}

/** `ALLOW`, `ERRNO(38)`, ... for a value that a filter returns. */
export function nameOfReturn(value: number): string {
  const action = actionOf(value);
  if (action === undefined) return `0x${value.toString(16)}`;
  return action.hasData === true ? `${action.name}(${value & SECCOMP_RET.DATA})` : action.name;
}
