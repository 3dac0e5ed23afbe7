import t from 'tap';
import { RECORD, WAIT } from '../../schema/generated/protocol.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import type { PlannedOp } from '../plan/types.ts';
import { enter } from './enter.ts';
import { decodeRecord } from './records.ts';

const ops: readonly PlannedOp[] = [{ op: 'outlive', fork: 1, apart: 0, terminal: 0, from: 'default' }];
const firstPid = 40;

/** A record as delivered by the native side; an empty one is the end. */
function record(kind: number, value: number): ArrayBuffer {
  return new Uint32Array([kind, 0, 1, value, 0, 0]).buffer;
}

const end = new ArrayBuffer(0);

/** Enters a container whose process sends these records; logs the calls on processes. */
function entering(records: readonly ArrayBuffer[]): { failure: unknown; started: number[]; calls: string[] } {
  const calls: string[] = [];
  const started: number[] = [];
  const left = [...records];
  const native = {
    launch: () => [firstPid, 7, -1],
    receive: () => left.shift() ?? end,
    send: () => 1,
    readLink: () => '/bin/program',
    close: () => 0,
    signalProcess: (pid: number) => calls.push(`kill ${pid}`),
    waitChild: (pid: number) => calls.push(`wait ${pid}`),
  } as unknown as Native;
  const options = {
    target: 3,
    cgroups: [''],
    places: { file: undefined, own: (): string => '/own', mayBeTraced: (): boolean => false },
    preserved: 0,
    onTerminal: (): void => undefined,
    onShortfall: (): void => void calls.push('shortfall'),
    onStarted: (pid: number): void => void started.push(pid),
  };
  try {
    enter(native, { ops, uncertainStart: false, warnings: [] }, options);
    return { failure: undefined, started, calls };
  } catch (failure) {
    return { failure, started, calls };
  }
}

function codeOf(failure: unknown): string | undefined {
  return failure instanceof Failure ? failure.diagnostics[0]?.code : undefined;
}

t.test('enter: continues with the process that the kernel confirms, and reaps the first', async (t) => {
  t.strictSame(entering([record(RECORD.forked, 41)]), { failure: undefined, started: [41], calls: ['wait 40'] });
});

t.test('enter: claims that the kernel does not confirm make it kill and reap only its own child', async (t) => {
  for (const records of [
    [record(RECORD.forked, 0)],
    [record(RECORD.forked, 0), record(RECORD.failed, 0)],
    [record(RECORD.terminal, 0xffff_ffff)],
    [record(10, 1)],
    [record(RECORD.forked_outside, 41)],
    [record(RECORD.waiting, WAIT.unit)],
    [record(RECORD.waiting, WAIT.scheduler)],
    [record(RECORD.waiting, WAIT.limits)],
    [record(RECORD.waiting, 0)],
    [record(0, 0)],
    [record(RECORD.incomplete, 0)],
  ]) {
    const { failure, started, calls } = entering(records);
    t.equal(codeOf(failure), 'launch.forged');
    t.strictSame(started, []);
    t.strictSame(calls, ['kill 40', 'wait 40']);
  }
});

t.test('enter: a process that ends before its fork has run nothing', async (t) => {
  const { failure, started } = entering([]);
  t.equal(codeOf(failure), 'exec.died');
  t.strictSame(started, []);
});

t.test('decodeRecord: pids and descriptors are those of the native side', async (t) => {
  t.strictSame(decodeRecord(record(RECORD.forked, 12)), { kind: 'forked', pid: 12 });
  t.strictSame(decodeRecord(record(RECORD.forked, 0)), { kind: 'forged' });
  t.strictSame(decodeRecord(record(RECORD.terminal, 12)), { kind: 'terminal', master: 12 });
  t.strictSame(decodeRecord(record(RECORD.terminal, 0xffff_ffff)), { kind: 'forged' });
  t.strictSame(decodeRecord(record(8, 0)), { kind: 'forged' });
  t.strictSame(decodeRecord(record(RECORD.forked_outside, 12)), { kind: 'forked_outside', pid: 12 });
  t.strictSame(decodeRecord(record(RECORD.forked_outside, 0)), { kind: 'forged' });
  t.strictSame(decodeRecord(end), { kind: 'end' });
});
