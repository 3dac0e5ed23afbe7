import { errnoName, errnoText } from '../../diag/errno.ts';
import { SECCOMP_RET } from '../../kernel/seccomp.ts';

/** What a return value of a filter does to a call: the end of a sentence about the call. */
export function actionWords(value: number): string {
  const data = value & SECCOMP_RET.DATA;
  switch ((value & SECCOMP_RET.ACTION_FULL) >>> 0) {
    case SECCOMP_RET.ALLOW:
      return 'is allowed';
    case SECCOMP_RET.LOG:
      return 'is allowed, and logged';
    case SECCOMP_RET.ERRNO:
      return data === 0 ? 'is not made, but returns 0' : `fails with ${errnoName(data)} (${errnoText(data)})`;
    case SECCOMP_RET.TRAP:
      return 'sends SIGSYS to its thread';
    case SECCOMP_RET.KILL_THREAD:
      return 'ends its thread with SIGSYS';
    case SECCOMP_RET.KILL_PROCESS:
      return 'ends its process with SIGSYS';
    case SECCOMP_RET.USER_NOTIF:
      return 'is left to the receiver of notifications';
    case SECCOMP_RET.TRACE:
      return 'is left to a tracer, without one it fails with ENOSYS';
    default:
      return 'ends its process with SIGSYS';
  }
}
