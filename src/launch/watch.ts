import { hasBit, statusFields } from '../diag/process-status.ts';
import type { Native } from '../host/native.ts';
import { EINTR, ENOENT, ENOSYS, ETIMEDOUT } from '../kernel/errno.ts';
import { SECCOMP_RET, SECCOMP_USER_NOTIF_FLAG_CONTINUE } from '../kernel/seccomp.ts';
import { SIGKILL, SIGSYS } from '../kernel/signals.ts';
import { POLLIN } from '../kernel/sockets.ts';
import { argumentWords } from '../plan/seccomp/arguments.ts';
import type { AllowedCall } from '../plan/seccomp/needs.ts';
import { argumentsOf, isAllowed } from '../plan/seccomp/watched.ts';
import type { WatchedCall, Watched } from '../plan/seccomp/watched.ts';

/** A call that waits for its answer. */
export interface SeenCall extends WatchedCall, Omit<AllowedCall, 'name'> {
  /** The thread that made it, and the name of its program (proc_pid_comm(5)), '' if it has ended meanwhile. */
  readonly pid: number;
  readonly program: string;
  /** Whether it still waits, so that what was read about its thread was not of another one. */
  readonly waits: () => boolean;
  /** With its arguments; strings of the container in quotes. */
  readonly text: string;
}

/** Bytes of struct seccomp_notif before the data of the call: id, pid, flags. */
const wordsBeforeData = 4;
const idSize = 8;
const longestString = 128;
/** The largest that the kernel returns. */
const MAX_ERRNO = 4095;

/**
 * Answers the calls that a profile refuses as its filter would have: seccomp_unotify(2). No call that the profile refuses
 * is ever let through: if this process ends, the kernel answers them with ENOSYS.
 */
export class Watch {
  readonly #native: Native;
  readonly #watched: Watched;
  #program = 0;
  #hasEndedProgram = false;
  #listener = -1;
  #begun = false;
  /** Some memory of the container did not come: no more is read, since each time the others would wait. */
  #isKeptWaiting = false;
  /** Told of each call that the profile allows, if the filter asks about these. */
  onAllowed: ((call: WatchedCall, look: () => SeenCall) => void) | undefined;
  /** Told of each call that it refuses, before the answer; undefined while only the helper makes calls. */
  onCall: ((call: SeenCall) => void) | undefined;

  constructor(native: Native, watched: Watched) {
    this.#native = native;
    this.#watched = watched;
  }

  /** That of the filter; -1 before and after it asks. */
  get listener(): number {
    return this.#listener;
  }

  /** False if there is a listener already: then the helper has not sent this one. */
  begin(listener: number): boolean {
    if (this.#begun) return false;
    this.#begun = true;
    this.#listener = listener;
    return true;
  }

  /** Answers until `fd` is readable or nothing has happened for `timeoutMs`. Returns what is left to wait: 0. */
  answerUntil(fd: number, timeoutMs: number): number {
    while (this.#native.poll(new Int32Array([fd, POLLIN, this.#listener, POLLIN]).buffer, timeoutMs) === 1) {
      this.answer();
    }
    return 0;
  }

  /** Answers a call that waits. */
  answer(): void {
    const bytes = this.#native.receiveNotification(this.#listener);
    if (typeof bytes === 'number') {
      // ENOENT: the thread has ended, or has been interrupted by a signal.
      if (bytes !== -ENOENT && bytes !== -EINTR) {
        // The calls that wait then fail with ENOSYS.
        this.#native.close(this.#listener);
        this.#listener = -1;
      }
      return;
    }
    const words = new Uint32Array(bytes);
    const pid = words[2] ?? 0;
    const data = words.subarray(wordsBeforeData);
    const judged = this.#watched.judge(data);
    const id = bytes.slice(0, idSize);
    // Before the answer, so that the report precedes what the program says about it.
    if (isAllowed(judged.action)) this.onAllowed?.(judged, () => this.#look(id, pid, data, judged));
    else this.onCall?.(this.#look(id, pid, data, judged));
    this.#respond(id, pid, judged.action);
  }

  /** Whether an answer ended the program. */
  get hasEndedProgram(): boolean {
    return this.#hasEndedProgram;
  }

  /** `pid`: the process that runs the program, all of whose calls are yet to be answered. */
  attendTo(pid: number): void {
    this.#program = pid;
  }

  // A thread that has ended needs no answer.
  #respond(id: ArrayBuffer, pid: number, action: number): void {
    const answer = (errno: number, flags = 0): void =>
      void this.#native.answerNotification(this.#listener, id, errno, flags);
    switch ((action & SECCOMP_RET.ACTION_FULL) >>> 0) {
      case SECCOMP_RET.ALLOW:
      case SECCOMP_RET.LOG:
        // The program may change what its pointers lead to after the profile has been asked: no matter, since a profile sees
        // registers only. What it does not allow is never continued.
        answer(0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
        return;
      case SECCOMP_RET.ERRNO:
        answer(Math.min(action & SECCOMP_RET.DATA, MAX_ERRNO));
        return;
      case SECCOMP_RET.TRACE:
        // That of the kernel without a tracer.
        answer(ENOSYS);
        return;
      default:
        this.#end(id, pid, (action & SECCOMP_RET.ACTION_FULL) >>> 0 === SECCOMP_RET.TRAP);
    }
  }

  /**
   * SIGSYS has the effect of the kernel's own if it meets the disposition that this one would; else SIGKILL, since the
   * kernel does not let a process handle KILL, or ignore either.
   */
  #end(id: ArrayBuffer, pid: number, traps: boolean): void {
    const field = statusFields(this.#native, pid);
    const has = (name: string): boolean => hasBit(field(name), SIGSYS - 1);
    if (traps && has('SigCgt') && !has('SigBlk')) {
      this.#native.signalCaller(this.#listener, id, pid, SIGSYS);
      return;
    }
    // The first process of a pid namespace ignores signals without a handler.
    const isFirst = field('NStgid').split(/\s+/).length > 1 && field('NStgid').endsWith('\t1');
    const isPlain = field('Threads') === '1' && field('TracerPid') === '0' && !isFirst;
    const signal = isPlain && !has('SigCgt') && !has('SigBlk') && !has('SigIgn') ? SIGSYS : SIGKILL;
    const process = Number(field('Tgid'));
    const ended = this.#native.endCaller(this.#listener, id, process, signal);
    if (ended === 0) {
      if (process === this.#program) this.#hasEndedProgram = true;
    } else if (ended !== -ENOENT) this.#native.signalCaller(this.#listener, id, pid, SIGKILL);
  }

  #look(id: ArrayBuffer, pid: number, data: Uint32Array, judged: WatchedCall): SeenCall {
    const { call } = judged;
    const comm = this.#native.readText(`/proc/${pid}/comm`, longestString);
    const compared = call?.rules.flatMap(({ conditions }) => conditions.map(({ index }) => index)) ?? [];
    const name = call?.name ?? '';
    const values = argumentsOf(data);
    const at = (index: number, offset: number): ArrayBuffer => {
      const address = (values[index] ?? 0n) + BigInt(offset);
      return new Uint32Array([Number(address & 0xffff_ffffn), Number((address >> 32n) & 0xffff_ffffn)]).buffer;
    };
    const string = (index: number, offset = 0): string | undefined => {
      if (this.#isKeptWaiting) return undefined;
      const text = this.#native.readMemoryText(this.#listener, id, pid, at(index, offset), longestString);
      this.#isKeptWaiting = text === -ETIMEDOUT;
      return typeof text === 'string' ? text : undefined;
    };
    const bytes = (index: number, size: number): Uint8Array | undefined => {
      // Structures of another architecture may differ.
      if (!judged.own || this.#isKeptWaiting) return undefined;
      const found = this.#native.readMemory(this.#listener, id, pid, at(index, 0), size);
      this.#isKeptWaiting = found === -ETIMEDOUT;
      return typeof found === 'number' || found.byteLength < size ? undefined : new Uint8Array(found);
    };
    const pointed = { string, bytes };
    const text = argumentWords(name === '' ? `call ${String(data[0])}` : name, values, compared, pointed);
    const waits = (): boolean => this.#native.callWaits(this.#listener, id) === 0;
    // Else what has this number now may be another thread.
    const program = typeof comm === 'string' && waits() ? comm.trim() : '';
    return { ...judged, ...pointed, pid, program, text, values, waits };
  }
}
