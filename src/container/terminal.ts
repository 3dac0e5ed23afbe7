import type { Process } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_NOCTTY, O_RDWR } from '../kernel/open-flags.ts';
import { connectSocket } from '../launch/socket.ts';

/** Destination of the master of a container's terminal. */
export type Console =
  | { readonly kind: 'none' }
  /** Sent over this connection, to the engine's receiver. */
  | { readonly kind: 'socket'; readonly socket: number }
  /**
   * Relayed between standard input and output. `console`: the caller's own terminal, -1 if it has none; `master` is -1
   * until it is received.
   */
  | { readonly kind: 'relay'; readonly console: number; master: number };

const noConsole: Console = { kind: 'none' };

const readWrite = O_RDWR | O_NOCTTY;
const standardDescriptors = [2, 1, 0];

/**
 * Finds and opens the destination of a process's terminal, before any side effect. A relative --console-socket is
 * relative to `directory`. `isRemote`: the caller is a program, which need not have a terminal.
 */
export function openConsole(
  native: Native,
  process: Pick<Process, 'terminal'>,
  socket: string | undefined,
  detach: boolean,
  directory: string,
  isRemote = false,
): Console {
  const terminal = process.terminal === true;
  if (detach && terminal && socket === undefined) {
    throw new Failure({
      code: 'terminal.socket',
      message: 'cannot allocate tty if rt will detach without setting console socket',
      pointer: '/process/terminal',
      hint: 'give --console-socket SOCKET, with a receiver for the terminal, or set process.terminal to false',
    });
  }
  if (socket !== undefined && !(detach && terminal)) {
    throw new Failure({
      code: 'terminal.socket',
      message: 'cannot use console socket if rt will not detach or allocate tty',
      hint: terminal ? 'add --detach, or drop --console-socket' : 'set process.terminal to true',
    });
  }
  if (socket !== undefined) return { kind: 'socket', socket: connectSocket(native, socket, directory, 'console') };
  return terminal ? { kind: 'relay', console: callersTerminal(native, isRemote), master: -1 } : noConsole;
}

/** Usually all three standard descriptors are the terminal; if all are redirected it can still be opened. */
function callersTerminal(native: Native, isRemote: boolean): number {
  for (const fd of standardDescriptors) if (native.isTerminal(fd) === 1) return fd;
  if (isRemote) return -1;
  const fd = native.open('/dev/tty', readWrite, 0);
  if (fd >= 0) return fd;
  const { diagnostics } = systemFailure('terminal.caller', 'open /dev/tty', 'open', fd);
  throw new Failure(
    diagnostics.map((diagnostic) => ({
      ...diagnostic,
      message: diagnostic.message.replace(' (open)', ''),
      pointer: '/process/terminal',
      hint: 'run it in a terminal, or detached with --console-socket, or set process.terminal to false',
    })),
  );
}

/** Sends or keeps the master before the program starts, so that the terminal is already set up. */
export function giveMaster(native: Native, console: Console, master: number): void {
  if (console.kind === 'relay') {
    console.master = master;
    if (console.console >= 0) native.matchTerminal(master, console.console);
  }
  if (console.kind !== 'socket') return;
  // Receivers written in Go use the text as the name of the file.
  const result = native.sendDescriptor(console.socket, master, '/dev/pts/ptmx');
  native.close(console.socket);
  native.close(master);
  if (result < 0) {
    throw systemFailure('terminal.send', 'cannot send the terminal to the console socket', 'sendmsg', result);
  }
}
