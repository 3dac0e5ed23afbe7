import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { expectDone, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EADDRINUSE, ECONNREFUSED, ENOENT } from '../kernel/errno.ts';
import { POLLIN, SOCK_DGRAM } from '../kernel/sockets.ts';
import { notifySocketName } from '../plan/notify.ts';
import { waitList } from './wait.ts';

/** Between the program of a container and the service manager of the runtime (sd_notify(3)). */
export interface NotifyProxy {
  /** Where the program sends to. */
  readonly program: number;
  /** Where the manager receives. */
  readonly manager: number;
}

const noLimit = -1;
/** How long the manager may take to look at what it was sent, as in sd_notify_barrier(3). */
const barrierTimeoutMs = 30_000;
const directoryMode = 0o755;
/** Whoever the container's program runs as. */
const socketMode = 0o777;

/** The socket of the service manager that waits for the readiness of what the runtime starts, if there is one. */
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

/** Connects to the service manager, before anything is made. */
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

/** The directory that the container sees. */
export function makeNotifyDirectory(native: Native, directory: string): void {
  const action = `cannot make directory "${directory}"`;
  expectDone(native.mkdir(directory, directoryMode), 'notify.directory', action, 'mkdir');
  expectDone(native.chmod(directory, directoryMode), 'notify.directory', action, 'chmod');
}

/** Makes the socket of the program, which has not been started yet. */
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

/** Left by a start that was killed: nobody holds it any more. */
function isDead(native: Native, path: string): boolean {
  const socket = native.connect(path, SOCK_DGRAM);
  if (socket >= 0) native.close(socket);
  return socket === -ECONNREFUSED;
}

/** What the manager is told when the program is ready: `pid` is then the main process of the service. */
export function readyMessages(pid: number): string[] {
  return ['READY=1\n', `MAINPID=${pid}\n`];
}

/**
 * Waits until the program says that it is ready, and tells the manager; or until it has ended, which `pidfd` shows.
 * Undefined: it has ended already. What the manager does not take is a warning, for the container runs.
 */
export function passReadiness(
  native: Native,
  { program, manager }: NotifyProxy,
  pid: number,
  pidfd: number | undefined,
): Diagnostic[] {
  const wanted = waitList([[program, POLLIN], ...(pidfd === undefined ? [] : [[pidfd, POLLIN] as const])]);
  for (;;) {
    // The socket is looked at first: a program may say that it is ready and end.
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
 * Waits until the manager has looked at what it was sent: it finds out whose message it is by the process that sent
 * it, which must be there still.
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
