import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ECONNRESET, EPIPE, ETIMEDOUT } from '../kernel/errno.ts';
import type { PlannedOp } from '../plan/types.ts';
import { encodeProgram } from '../launch/encode.ts';
import { waitList } from '../host/poll.ts';
import { SIGKILL } from '../kernel/signals.ts';
import { POLLIN } from '../kernel/sockets.ts';
import { u32 } from '../diag/bytes.ts';
import { isUnborn, startHelper } from '../launch/helper.ts';
import { decodeRecord } from '../launch/records.ts';
import { failureOf, sendGoAhead } from '../launch/control.ts';
import { decodeMessage, encodeMessage, messagesOf, numberOf, textOf } from './protobuf.ts';
import type { Field, Message } from './protobuf.ts';
import type { Progress } from './progress.ts';

/**
 * A conversation with `criu swrk`: one request, notifications that each wait for a reply, one response (rpc.proto of
 * CRIU). Unlike the command line, the RPC takes directories as descriptors, hands over the terminal of a restored
 * container, and pauses when the processes exist, before they resume.
 */

/** Field numbers of criu_opts. */
export const OPTION = {
  imagesDirectory: 1,
  pid: 2,
  leaveRunning: 3,
  externalUnixSockets: 4,
  tcpEstablished: 5,
  shellJob: 7,
  fileLocks: 8,
  logLevel: 9,
  logFile: 10,
  pageServer: 11,
  notifyScripts: 12,
  root: 13,
  parentImages: 14,
  trackMemory: 15,
  autoDedup: 16,
  workDirectory: 17,
  linkRemap: 18,
  manageCgroups: 24,
  cgroupRoot: 25,
  restoreSibling: 26,
  inheritDescriptor: 27,
  manageCgroupsMode: 34,
  external: 37,
  emptyNamespaces: 38,
  joinNamespace: 39,
  freezeCgroup: 44,
  tcpSkipInFlight: 46,
  lazyPages: 48,
  statusDescriptor: 49,
  orphanTerminalMaster: 50,
  configFile: 51,
  tcpClose: 52,
  lsmProfile: 53,
  lsmMountContext: 63,
  networkLock: 64,
  /** A path, instead of the descriptor: -1. */
  imagesPath: 68,
} as const;

/** The pre-dump is the one after which criu does not wait for another request. */
export const REQUEST = { dump: 1, restore: 2, preDump: 13 } as const;
const notifyType = 6;
const waitMilliseconds = 100;
/** Fields of a response; `restore` has the pid of a restored container. */
const response = { type: 1, success: 2, restore: 4, notify: 5, errno: 7, message: 9 } as const;
/** Descriptor at which criu finds its socket; the descriptors that it inherits follow. */
export const firstDescriptor = 100;

export interface Notification {
  /** Such as `setup-namespaces`. */
  readonly stage: string;
  /** Pid of the container's init, or 0. */
  readonly pid: number;
  /** Descriptor received with it, -1 for none. */
  readonly descriptor: number;
}

/** Of a restore: the processes stand where they were saved. */
export const lastStage = 'pre-resume';

export interface CriuCall {
  readonly request: number;
  readonly options: readonly Field[];
  /** Run by the process before it becomes criu; the last op is exec. */
  readonly ops: readonly PlannedOp[];
  readonly cloneFlags: number;
  /** Cgroup v2 directory in which criu starts; '' for the runtime's own. */
  readonly cgroup: string;
  /** Called with the pid of criu while it waits to be put into a unit. */
  readonly onWaiting?: (pid: number) => void;
  readonly onNotify: (notification: Notification) => void;
  readonly progress: Progress;
  /** Error lines of the log, for the message. */
  readonly readLog: () => string;
}

/** Runs one request to its end; returns the pid in the response (of a restore). Throws criu's error. */
export function callCriu(native: Native, call: CriuCall): number {
  const program = encodeProgram(call.ops);
  const result = startHelper(native, { program, cloneFlags: call.cloneFlags, cgroup: call.cgroup });
  if (isUnborn(result)) throw systemFailure('criu.start', 'cannot start criu', result.call, result.status);
  const { pid, control } = result;
  try {
    if (call.ops[0]?.op === 'await_unit') awaitUnit(native, call, control, pid);
    send(native, control, [
      [1, call.request],
      [2, encodeMessage(call.options)],
    ]);
    for (;;) {
      const { message, descriptor } = receive(native, control, call);
      if (numberOf(message, response.type) !== notifyType) return conclude(message, call);
      const [notify = new Map()] = messagesOf(message, response.notify);
      const stage = textOf(notify, 1) ?? '';
      call.progress.enter(stage);
      notifyOf(native, call, pid, { stage, pid: numberOf(notify, 2) ?? 0, descriptor });
      send(native, control, [
        [1, notifyType],
        [3, true],
      ]);
    }
  } finally {
    call.progress.end();
    // End of file makes criu end, if it still runs.
    native.close(control);
    native.waitChild(pid);
  }
}

/** At its last stage criu resumes the processes also if it is refused, and waits for ever for those that were killed. */
function notifyOf(native: Native, { onNotify }: CriuCall, criu: number, notification: Notification): void {
  try {
    onNotify(notification);
  } catch (error) {
    if (notification.stage === lastStage) native.signalProcess(criu, SIGKILL);
    throw error;
  }
}

function awaitUnit(native: Native, call: CriuCall, control: number, pid: number): void {
  const buffer = native.receive(control, -1);
  const record = typeof buffer === 'number' ? undefined : decodeRecord(buffer);
  if (record?.kind !== 'waiting' || record.wait !== 'unit')
    throw new Failure({ code: 'criu.start', message: 'cannot start criu' });
  call.onWaiting?.(pid);
  sendGoAhead(native, control, record.wait);
}

function send(native: Native, control: number, fields: readonly Field[]): void {
  const sent = native.send(control, encodeMessage(fields).slice().buffer);
  // A helper that has ended has sent the reason, which is read next.
  if (sent < 0 && sent !== -EPIPE) throw systemFailure('criu.send', 'cannot send to criu', 'sendto', sent);
}

function receive(native: Native, control: number, call: CriuCall): { message: Message; descriptor: number } {
  const { wait } = call.progress;
  if (wait !== undefined) {
    while (native.poll(waitList([[control, POLLIN]]), waitMilliseconds) === -ETIMEDOUT) wait();
  }
  const buffer = native.receiveMessage(control);
  // It ended before it had read the request.
  if (buffer === -ECONNRESET) throw criuFailure('it ended', call);
  if (typeof buffer === 'number') throw systemFailure('criu.receive', 'cannot receive from criu', 'recvmsg', buffer);
  const all = new Uint8Array(buffer);
  const bytes = all.subarray(4);
  // A record of the helper begins with its kind, a response of criu with the key of its first field, 8.
  if (bytes[0] !== 8) {
    const record = decodeRecord(bytes.slice().buffer);
    if (record.kind === 'failed') {
      const failure = failureOf(record, call.ops);
      if (call.ops[record.op]?.op !== 'find_program') throw failure;
      throw new Failure(failure.diagnostics.map((diagnostic) => ({ ...diagnostic, hint: missingHint })));
    }
    throw criuFailure('it ended', call);
  }
  const message = decodeMessage(bytes);
  if (message === undefined) throw criuFailure('it sent a malformed reply', call);
  return { message, descriptor: u32(all, 0) | 0 };
}

function conclude(message: Message, call: CriuCall): number {
  if (numberOf(message, response.success) !== 1) {
    throw criuFailure(textOf(message, response.message) ?? `errno ${numberOf(message, response.errno) ?? 0}`, call);
  }
  const [restored] = messagesOf(message, response.restore);
  return restored === undefined ? 0 : (numberOf(restored, 1) ?? 0);
}

const missingHint =
  'install criu 4.0 or newer (the package criu of Debian 13, or its source), or give its path with --criu FILE';

/** Hints for errors without advice from criu. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/lookup mount=.* path=\/dev\/(?:pts\/|tty|console)/, 'the terminal of the caller needs --shell-job'],
  [/stdin fd|Standard stream is not a terminal/, 'with --shell-job standard input must be a terminal'],
  [
    /File fd\/[012] has bad mode/,
    'redirect standard input, output and error to a file if they were one: another kind of file cannot replace it',
  ],
  [/unix socket \d+ (?:not found|without peer)/i, 'sockets connected to the outside need --ext-unix-sk'],
  [
    /Can't create a temporary directory: Read-only file system/,
    'criu needs a directory /tmp in a root filesystem that is on a read-only filesystem',
  ],
  [
    /Can't fork for \d+: File exists/,
    'end the process that has this pid in the joined pid namespace, or let its parent wait for it',
  ],
  [/Can't get rlimit/, 'criu needs CAP_SYS_RESOURCE for a container with a user namespace'],
  [/vdso|kerndat/i, 'this criu may be too old for the kernel: run criu check'],
];

/** Code of the Failure of a restore that may succeed if it is tried again. */
export const racedCode = 'criu.raced';

/**
 * criu opens the images of time namespaces in the new user namespace, for which it writes the maps meanwhile: before that,
 * the directory of the images is closed to it.
 */
const raced = /Unable to open timens-\d+\.img: Permission denied/;

function criuFailure(reason: string, call: CriuCall): Failure {
  const log = call.readLog();
  const hint = hints.find(([pattern]) => pattern.test(log))?.[1];
  const words = log === '' ? reason : log;
  return new Failure({
    code: raced.test(log) ? racedCode : 'criu.failed',
    message: `criu failed: ${words}`,
    ...(hint === undefined ? {} : { hint }),
  });
}
