import t from 'tap';
import { OP_CODECS } from '../../schema/generated/ops.ts';
import { RECORD, WAIT } from '../../schema/generated/protocol.ts';
import type { Native, Packed } from '../host/native.ts';
import { EACCES, EAGAIN } from '../kernel/errno.ts';
import type { ExecPlan } from '../plan/exec.ts';
import { enter } from './enter.ts';

const records = {
  forked: [RECORD.forked, 51],
  outside: [RECORD.forked_outside, 51],
  noPlace: [RECORD.waiting, WAIT.place],
} as const;
const outlive = OP_CODECS.outlive.code;

const plan = (fork: 0 | 1): ExecPlan => ({
  ops: [{ op: 'outlive', fork, apart: 0, terminal: 0, from: 'default' }],
  uncertainStart: false,
  warnings: [],
});

/** A simulated kernel and helper: the results of `launch` in turn, then the records of the helper. */
function host(births: readonly number[], says: readonly (keyof typeof records)[]): { native: Native; log: string[] } {
  const log: string[] = [];
  let birth = 0;
  let record = 0;
  const native: Partial<Native> = {
    launch: (program: Packed, _flags: number, cgroup: string) => {
      const at = program.indexOf(outlive, 4);
      const [fork, apart] = [Number(program[at + 1]), Number(program[at + 2])];
      log.push(`birth in "${cgroup}" fork ${String(fork)} apart ${String(apart)}`);
      const result = births[birth++] ?? 0;
      return result < 0 ? result : [result, 3, -1];
    },
    receive: () => {
      const said = says[record++];
      if (said === undefined) return new ArrayBuffer(0);
      const [kind, value] = records[said];
      return new Uint32Array([kind, 0, 0, value, 0, 0]).buffer;
    },
    writeText: (path, text) => {
      log.push(`${text} to ${path}`);
      return 0;
    },
    send: (_, goAhead) => {
      const [code] = new Uint8Array(goAhead);
      log.push(`go on: ${Object.entries(WAIT).find(([, value]) => value === code)?.[0] ?? ''}`);
      return 0;
    },
    readLink: () => '/bin/program',
    signalProcess: () => 0,
    waitChild: () => 0,
    close: () => 0,
  };
  return { native: native as Native, log };
}

function entered(
  fork: 0 | 1,
  file: string | undefined,
  { native, log }: ReturnType<typeof host>,
  traced = false,
): readonly string[] {
  const pid = enter(native, plan(fork), {
    target: 9,
    cgroups: ['/c'],
    places: { file, own: () => '/own/cgroup.procs', mayBeTraced: () => traced },
    preserved: 0,
    onTerminal: () => undefined,
    onShortfall: () => undefined,
    onStarted: () => undefined,
  });
  return [...log, `runs as ${String(pid)}`];
}

t.test('a process that fits its cgroup is not moved', async (t) => {
  const log = entered(1, undefined, host([50], ['forked']));
  t.strictSame(log, ['birth in "/c" fork 1 apart 0', 'runs as 51']);
});

t.test('if the limit does not allow the fork, it happens in another cgroup, and the child is moved back', async (t) => {
  for (const [file, place] of [
    [undefined, '/c/cgroup.procs'],
    ['/v1/pids/c/tasks', '/v1/pids/c/tasks'],
  ] as const) {
    t.strictSame(entered(1, file, host([50], ['noPlace', 'outside'])), [
      'birth in "/c" fork 1 apart 0',
      '50 to /own/cgroup.procs',
      'go on: place',
      `51 to ${place}`,
      'go on: entry',
      'runs as 51',
    ]);
  }
});

t.test(
  'if the limit does not allow the clone, it happens in another cgroup, and the child, which must exist, is moved',
  async (t) => {
    for (const [fork, file] of [
      [0, undefined],
      [1, undefined],
      [1, '/v1/pids/c/tasks'],
    ] as const) {
      t.strictSame(entered(fork, file, host([-EAGAIN, 50], ['outside'])), [
        `birth in "/c" fork ${String(fork)} apart 0`,
        'birth in "" fork 1 apart 1',
        '51 to /c/cgroup.procs',
        'go on: entry',
        'runs as 51',
      ]);
    }
  },
);

t.test('a process in the container can neither leave its cgroup nor impersonate another process', async (t) => {
  const forged = /interferes/;
  t.throws(() => entered(1, undefined, host([50], ['forked', 'noPlace'])), forged);
  t.throws(() => entered(1, undefined, host([50], ['noPlace', 'noPlace'])), forged);
  t.throws(() => entered(0, undefined, host([50], ['noPlace'])), forged);
  t.throws(() => entered(1, undefined, host([50], ['forked', 'forked'])), forged);
  t.throws(() => entered(1, undefined, host([50], ['outside'])), forged, 'it would be moved without need');
  t.throws(() => entered(1, undefined, host([50], ['noPlace', 'forked'])), forged, 'it would stay outside');
});

t.test('no process is moved out of the cgroup if others could take control of it', async (t) => {
  const full = /has reached linux.resources.pids.limit/;
  t.throws(() => entered(1, undefined, host([50], ['noPlace']), true), full);
  t.throws(() => entered(1, undefined, host([-EAGAIN, 50], ['outside']), true), full);
  t.strictSame(entered(1, undefined, host([50], ['forked']), true).at(-1), 'runs as 51', 'where there is a place');
});

t.test('if no cgroup has room, that is an error', async (t) => {
  t.throws(() => entered(1, undefined, host([-EAGAIN, -EAGAIN], [])), /cannot start a process in cgroup "\/c"/);
  const refused = (): unknown => {
    try {
      return entered(1, undefined, host([-EACCES], []));
    } catch (error) {
      return error;
    }
  };
  t.match(refused(), { diagnostics: [{ hint: /must be in a cgroup that is delegated/ }] });
});
