import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { expectDone, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EADDRINUSE, ECONNREFUSED, ENOENT } from '../kernel/errno.ts';
import { POLLIN, SOCK_DGRAM } from '../kernel/sockets.ts';
import { notifySocketName } from '../plan/notify.ts';
import { waitList } from '../host/poll.ts';

/** Sockets between a container's program and the service manager of the runtime (sd_notify(3)). */
export interface NotifyProxy {
  /** Receives from the program. */
  readonly program: number;
  /** Sends to the manager. */
  readonly manager: number;
}

const noLimit = -1;
/** How long the manager may take to process messages, as in sd_notify_barrier(3). */
const barrierTimeoutMs = 30_000;
const directoryMode = 0o755;
/** The container's program may run as any user. */
const socketMode = 0o777;

/** The socket of the service manager that waits for readiness, if there is one. */
export function managerSocket(native: Native): string | undefined {
  const path = native.getEnv('NOTIFY_SOCKET');
  if (typeof path === 'number' || path === '') return undefined;
  if (path.startsWith('/') || (path.startsWith('@') && path.length > 1)) return path;
  throw new Failure({
    code: 'notify.address',
    message: `cannot use NOTIFY_SOCKET "${path}" of the environment: neither an absolute path nor @ and a name`,
    hint: 'only unix sockets can be reached; unset NOTIFY_SOCKET',
  });
}

/** Connects to the service manager, before any side effect. */
export function connectManager(native: Native, path: string): number {
  const socket = native.connect(path, SOCK_DGRAM);
  if (socket >= 0) return socket;
  throw systemFailure(
    'notify.connect',
    `cannot connect to NOTIFY_SOCKET "${path}" of the environment`,
    'connect',
    socket,
    'unset NOTIFY_SOCKET when no service manager waits for the container',
  );
}

/** Makes the directory that is visible in the container. */
export function makeNotifyDirectory(native: Native, directory: string): void {
  const action = `cannot make directory "${directory}"`;
  expectDone(native.mkdir(directory, directoryMode), 'notify.directory', action, 'mkdir');
  expectDone(native.chmod(directory, directoryMode), 'notify.directory', action, 'chmod');
}

/** Makes the socket for the program, which has not started yet. */
export function bindProgramSocket(native: Native, directory: string): number {
  const path = `${directory}/${notifySocketName}`;
  let socket = native.bindDatagram(path);
  if (socket === -EADDRINUSE && isDead(native, path)) {
    native.unlink(path);
    socket = native.bindDatagram(path);
  }
  if (socket === -ENOENT) {
    throw new Failure({
      code: 'notify.directory',
      message: 'cannot pass on when the container is ready: it was created without NOTIFY_SOCKET in the environment',
      hint: 'set NOTIFY_SOCKET for create too, or unset it for start',
    });
  }
  const action = `cannot make socket "${path}"`;
  if (socket < 0) throw systemFailure('notify.bind', action, 'bind', socket);
  expectDone(native.chmod(path, socketMode), 'notify.bind', action, 'chmod');
  return socket;
}

/** Left by a `start` that was killed: no process holds it any more. */
function isDead(native: Native, path: string): boolean {
  const socket = native.connect(path, SOCK_DGRAM);
  if (socket >= 0) native.close(socket);
  return socket === -ECONNREFUSED;
}

/** Messages for the manager once the program is ready: `pid` becomes the main process of the service. */
export function readyMessages(pid: number): string[] {
  return ['READY=1\n', `MAINPID=${pid}\n`];
}

/**
 * Waits until the program reports readiness, and forwards it to the manager; or until the program has ended, which
 * `pidfd` signals. Without a `pidfd` it has already ended. Failed delivery is a warning, for the container runs.
 */
export function passReadiness(
  native: Native,
  { program, manager }: NotifyProxy,
  pid: number,
  pidfd: number | undefined,
): Diagnostic[] {
  const wanted = waitList([[program, POLLIN], ...(pidfd === undefined ? [] : [[pidfd, POLLIN] as const])]);
  for (;;) {
    // The socket is checked first: a program may report readiness and end.
    const first = native.poll(wanted, pidfd === undefined ? 0 : noLimit);
    if (first !== 0) return [];
    if (native.takeReady(program) === 1) break;
  }
  for (const message of readyMessages(pid)) {
    const sent = native.writeFd(manager, message);
    if (sent < 0) return [...systemFailure('notify.send', 'cannot tell NOTIFY_SOCKET', 'write', sent).diagnostics];
  }
  return awaitManager(native, manager);
}

/**
 * Waits until the manager has processed the messages: it identifies their sender by the sending process, which must
 * still exist.
 */
function awaitManager(native: Native, manager: number): Diagnostic[] {
  const action = 'cannot tell NOTIFY_SOCKET';
  const ends = native.pipe();
  if (typeof ends === 'number') return [...systemFailure('notify.barrier', action, 'pipe2', ends).diagnostics];
  const [read = -1, write = -1] = ends;
  const sent = native.sendDescriptor(manager, write, 'BARRIER=1');
  native.close(write);
  const result = sent < 0 ? sent : native.poll(waitList([[read, POLLIN]]), barrierTimeoutMs);
  native.close(read);
  if (result >= 0) return [];
  return [...systemFailure('notify.barrier', action, sent < 0 ? 'sendmsg' : 'poll', result).diagnostics];
}
