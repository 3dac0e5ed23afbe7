import t from 'tap';
import type { Native } from '../host/native.ts';
import { EMFILE, ENODEV, ENOENT } from '../kernel/errno.ts';
import { SECCOMP_RET } from '../kernel/seccomp.ts';
import { SIGKILL, SIGSYS } from '../kernel/signals.ts';
import { Watched } from '../plan/seccomp/watched.ts';
import type { WatchedCall } from '../plan/seccomp/watched.ts';
import { Watch } from './watch.ts';

interface Process {
  readonly threads?: number;
  readonly handles?: boolean;
  readonly blocks?: boolean;
  readonly first?: boolean;
  readonly tracer?: number;
}

const pid = 41;
const sigsys = '0000000040000000';
const none = '0000000000000000';

function statusOf({ threads = 1, handles = false, blocks = false, first = false, tracer = 0 }: Process): string {
  const masks = `SigBlk:\t${blocks ? sigsys : none}\nSigIgn:\t${none}\nSigCgt:\t${handles ? sigsys : none}\n`;
  return `Name:\tx\nTgid:\t${pid}\nNStgid:\t${pid}\t${first ? 1 : 7}\nThreads:\t${threads}\nTracerPid:\t${tracer}\n${masks}`;
}

function watchedWith(judge?: () => WatchedCall): Watched {
  return Object.assign(Object.create(Watched.prototype) as Watched, { judge });
}

/** The signals with which calls of the process `pid` are answered that the profile wants to have this effect. */
function answers(action: number, process: Process, gone = 0) {
  const signals: (readonly [to: 'process' | 'thread', signal: number])[] = [];
  const native: Partial<Native> = {
    receiveNotification: () => {
      const bytes = new ArrayBuffer(80);
      new Uint32Array(bytes)[2] = pid;
      return bytes;
    },
    readText: (path) => (path === `/proc/${pid}/status` ? statusOf(process) : -ENOENT),
    answerNotification: () => 0,
    endCaller: (...[, , process, signal]) => {
      if (process === pid) signals.push(['process', signal]);
      return gone;
    },
    signalCaller: (...[, , , signal]) => {
      signals.push(['thread', signal]);
      return 0;
    },
  };
  const call: WatchedCall = { action, pointer: '', call: undefined, audit: 0, own: true, number: 0 };
  const watch = new Watch(
    native as Native,
    watchedWith(() => call),
  );
  watch.begin(9);
  watch.attendTo(pid);
  watch.answer();
  return { signals, ended: watch.hasEndedProgram };
}

t.test('answer: ends a process by SIGSYS only if nothing of it can prevent that', async (t) => {
  const kill = SECCOMP_RET.KILL_PROCESS;
  t.strictSame(answers(kill, {}), { signals: [['process', SIGSYS]], ended: true });
  for (const process of [{ threads: 2 }, { handles: true }, { blocks: true }, { first: true }, { tracer: 7 }]) {
    t.strictSame(answers(kill, process), { signals: [['process', SIGKILL]], ended: true }, JSON.stringify(process));
  }
  const { TRAP, ERRNO } = SECCOMP_RET;
  t.strictSame(answers(TRAP, { handles: true, threads: 2 }), { signals: [['thread', SIGSYS]], ended: false });
  t.strictSame(answers(TRAP, { handles: true, blocks: true }), { signals: [['process', SIGKILL]], ended: true });
  t.strictSame(answers(ERRNO + 1, {}), { signals: [], ended: false });
});

t.test(
  'answer: a call that no longer waits ends nobody, a process without a descriptor is ended by its thread',
  async (t) => {
    const kill = SECCOMP_RET.KILL_PROCESS;
    t.strictSame(answers(kill, {}, -ENOENT), { signals: [['process', SIGSYS]], ended: false });
    t.strictSame(answers(kill, {}, -EMFILE).signals, [
      ['process', SIGSYS],
      ['thread', SIGKILL],
    ]);
  },
);

t.test('answer: a listener that fails is closed, so that no call waits for an answer', async (t) => {
  const closed: number[] = [];
  let outcome = -ENOENT;
  const native: Partial<Native> = { receiveNotification: () => outcome, close: (fd) => closed.push(fd) };
  const watch = new Watch(native as Native, watchedWith());
  watch.begin(9);
  watch.answer();
  t.equal(watch.listener, 9);
  outcome = -ENODEV;
  watch.answer();
  t.equal(watch.listener, -1);
  t.strictSame(closed, [9]);
});
