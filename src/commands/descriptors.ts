import { Failure } from '../diag/diagnostic.ts';
import { errnoText } from '../diag/errno.ts';
import { expectDone } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EBADF } from '../kernel/errno.ts';
import { connectSocket } from '../launch/socket.ts';

/** Descriptors of the caller that are passed to a program, from 3 on, and the environment variables for them. */
export interface Handed {
  readonly count: number;
  readonly env: readonly string[];
}

/** What this process may have opened for itself by the time it looks. */
const ownKind = /^(?:anon_inode:\[(?:eventpoll|eventfd|io_uring)\]|\/memfd:rt-trace )/;

/**
 * Counts them, and looks at each: to be called before anything else is opened, so that each number still means what
 * the caller meant. Sockets of a service manager (sd_listen_fds(3)) come first, if `activation` lets them and they were
 * meant for this process.
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
 * Why a descriptor is none that the caller left open; undefined when it is one. A number that was free at the start may
 * be taken by now. The kernel gives the lowest, so the first that this process has opened and keeps is among those that
 * were promised: the memory of a trace (--trace), or the event poll of Node. Node marks what it inherits close-on-exec,
 * so that mark tells nothing there.
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

/** Connection for a pidfd of the process, made before anything else; -1 for none. */
export function openPidfdSocket(native: Native, path: string | undefined, directory: string): number {
  return path === undefined ? -1 : connectSocket(native, path, directory, 'pidfd');
}

/** Sends a pidfd of a child; `role` is what the receiver expects to read. */
export function sendPidfd(native: Native, socket: number, pid: number, role: 'standard' | 'setns'): void {
  if (socket < 0) return;
  const action = 'cannot send a pidfd to the pidfd socket';
  const pidfd = expectDone(native.pidfdOpen(pid), 'pidfd.open', action, 'pidfd_open');
  const result = native.sendDescriptor(socket, pidfd, role);
  native.close(pidfd);
  native.close(socket);
  expectDone(result, 'pidfd.send', action, 'sendmsg');
}
