import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { SOCK_STREAM } from '../kernel/sockets.ts';

/**
 * Connects to a unix socket that the caller has set up. `name` is the option's, without `-socket`; a relative path
 * starts at `directory`. Nobody need have accepted the connection yet, or ever answer.
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
