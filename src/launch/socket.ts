import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { SOCK_STREAM } from '../kernel/sockets.ts';

/**
 * Connects to a unix socket that the caller has set up. `name` is that of the option, without `-socket`; a relative
 * path is relative to `directory`. The peer need not have accepted the connection, nor ever reply.
 */
export function connectSocket(native: Native, path: string, directory: string, name: 'console' | 'pidfd'): number {
  const socket = native.connect(path.startsWith('/') ? path : `${directory}/${path}`, SOCK_STREAM);
  if (socket >= 0) return socket;
  throw systemFailure(
    `${name}.connect`,
    `cannot connect to the ${name} socket "${path}"`,
    'connect',
    socket,
    `--${name}-socket needs a unix stream socket that something listens on`,
  );
}
