import { Failure } from '../diag/diagnostic.ts';
import { errnoText } from '../diag/errno.ts';
import { expectDone } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { connectSocket } from '../launch/socket.ts';

/** Descriptors of the caller that a program gets, from 3 on, and what its environment says of them. */
export interface Handed {
  readonly count: number;
  readonly env: readonly string[];
}

/**
 * Counts them before anything is opened, so that each number still means what the caller meant. Sockets of a
 * service manager (sd_listen_fds(3)) come first, if `activation` lets them and they were meant for this process.
 */
export function handedDescriptors(native: Native, preserved: number | undefined, activation: boolean): Handed {
  const extra = preserved ?? 0;
  if (extra < 0) {
    throw new Failure({ code: 'descriptors.count', message: `--preserve-fds must not be negative, found ${extra}` });
  }
  const listen = activation ? listenDescriptors(native) : 0;
  for (let index = 0; index < extra; index++) {
    const link = native.readLink(`/proc/self/fd/${3 + listen + index}`);
    if (typeof link !== 'number') continue;
    throw new Failure({
      code: 'descriptors.missing',
      message: `unable to stat preserved-fd ${index} (of ${extra}): ${errnoText(-link)}`,
      hint: `descriptor ${3 + listen + index} is not open; --preserve-fds counts those from ${3 + listen} on`,
    });
  }
  return { count: listen + extra, env: listen === 0 ? [] : [`LISTEN_FDS=${listen}`, 'LISTEN_PID=1'] };
}

function listenDescriptors(native: Native): number {
  const pid = native.getEnv('LISTEN_PID');
  const count = native.getEnv('LISTEN_FDS');
  if (pid !== String(native.processId()) || typeof count === 'number') return 0;
  return /^[1-9]\d{0,3}$/.test(count) ? Number(count) : 0;
}

/** Where a pidfd of the process is to be sent, connected before anything is made; -1 for nowhere. */
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
