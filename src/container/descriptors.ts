import { Failure } from '../diag/diagnostic.ts';
import { errnoText } from '../diag/errno.ts';
import { expectDone } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EBADF } from '../kernel/errno.ts';
import { connectSocket } from '../launch/socket.ts';

/** Descriptors that the caller passes to a program, from 3 on, and the environment variables for them. */
export interface Handed {
  readonly count: number;
  readonly env: readonly string[];
}

/** Descriptors that this process may have opened itself by the time of the check. */
const ownKind = /^(?:anon_inode:\[(?:eventpoll|eventfd|io_uring)\]|\/memfd:rt-trace )/;

/**
 * Counts and checks them. To be called before anything else is opened, while each number still means what the caller
 * meant. Sockets of a service manager (sd_listen_fds(3)) come first, if `activation` permits them and they were meant
 * for this process.
 */
export function handedDescriptors(native: Native, preserved: number | undefined, activation: boolean): Handed {
  const extra = preserved ?? 0;
  if (extra < 0) {
    throw new Failure({ code: 'descriptors.count', message: `--preserve-fds must not be negative, found ${extra}` });
  }
  const listen = activation ? listenDescriptors(native) : 0;
  for (let index = 0; index < listen; index++) {
    const descriptor = 3 + index;
    const absence = whyAbsent(native, descriptor);
    if (absence === undefined) continue;
    throw new Failure({
      code: 'descriptors.missing',
      message: `cannot pass on descriptor ${descriptor}, one of ${listen} announced by LISTEN_FDS: ${absence}`,
      hint: 'descriptors of a service manager start at 3 (sd_listen_fds(3)); otherwise unset LISTEN_FDS',
    });
  }
  for (let index = 0; index < extra; index++) {
    const descriptor = 3 + listen + index;
    const absence = whyAbsent(native, descriptor);
    if (absence === undefined) continue;
    throw new Failure({
      code: 'descriptors.missing',
      message: `unable to stat preserved-fd ${index} (of ${extra}): ${absence}`,
      hint: `descriptor ${descriptor} is not open; --preserve-fds counts those from ${3 + listen} on`,
    });
  }
  return { count: listen + extra, env: listen === 0 ? [] : [`LISTEN_FDS=${listen}`, 'LISTEN_PID=1'] };
}

/**
 * Why the caller did not leave a descriptor open; undefined if it did. A number that was free at the start may be in
 * use by now. The kernel assigns the lowest, so one of the promised numbers may be the first descriptor that this
 * process opened and kept: the memory of a trace (--trace), or the event poll of Node. The close-on-exec flag is no
 * criterion on Node, which sets it on inherited descriptors.
 */
function whyAbsent(native: Native, descriptor: number): string | undefined {
  const link = native.readLink(`/proc/self/fd/${descriptor}`);
  if (typeof link === 'number') return errnoText(-link);
  return ownKind.test(link) ? errnoText(EBADF) : undefined;
}

function listenDescriptors(native: Native): number {
  const pid = native.getEnv('LISTEN_PID');
  const count = native.getEnv('LISTEN_FDS');
  if (pid !== String(native.processId()) || typeof count === 'number') return 0;
  return /^[1-9]\d{0,3}$/.test(count) ? Number(count) : 0;
}

/** Connects to the receiver of the process's pidfd, before any side effect; -1 for none. */
export function openPidfdSocket(native: Native, path: string | undefined, directory: string): number {
  return path === undefined ? -1 : connectSocket(native, path, directory, 'pidfd');
}

/** Sends a pidfd of a child; `role` is the text that the receiver expects. */
export function sendPidfd(native: Native, socket: number, pid: number, role: 'standard' | 'setns'): void {
  if (socket < 0) return;
  const action = 'cannot send a pidfd to the pidfd socket';
  const pidfd = expectDone(native.pidfdOpen(pid), 'pidfd.open', action, 'pidfd_open');
  const result = native.sendDescriptor(socket, pidfd, role);
  native.close(pidfd);
  native.close(socket);
  expectDone(result, 'pidfd.send', action, 'sendmsg');
}
