import t from 'tap';
import { renderTrace } from './trace-events.ts';
import type { TraceData } from './trace-events.ts';
import { phase, traceProgram } from './trace.ts';

const empty: TraceData = { title: 'rt run', pid: 10, end: 100, spans: [], ops: [], pids: new Map(), closed: [] };

/** The events of a trace without those that name its threads. */
function eventsOf(data: Partial<TraceData>): Record<string, unknown>[] {
  const { traceEvents } = JSON.parse(renderTrace({ ...empty, ...data })) as { traceEvents: Record<string, unknown>[] };
  return traceEvents.filter(({ ph }) => ph === 'X');
}

t.test('without a trace a step just runs, and programs have no number', async (t) => {
  t.equal(
    phase('step', () => 7),
    7,
  );
  t.throws(() =>
    phase('step', () => {
      throw new Error('as it came');
    }),
  );
  t.equal(traceProgram([{ op: 'exec' }]), 0);
});

t.test('enclosing events come first', async (t) => {
  const span = (name: string, start: number, end: number): TraceData['spans'][number] => ({
    name,
    category: 'phase',
    start,
    end,
    details: {},
  });
  const spans = [span('inner', 5, 6), span('first', 5, 9), span('run', 0, 50)];
  t.strictSame(
    eventsOf({ spans }).map(({ name }) => name),
    ['run', 'first', 'inner'],
  );
});

t.test('a failed op has its error; one that never returned ends when its socket closed', async (t) => {
  const op = { place: 'init', index: 0, error: 0, start: 10, end: undefined } as const;
  const ops = [
    { ...op, op: { op: 'mount_bind', from: '/mounts/0' }, error: 2, end: 12.5 },
    { ...op, index: 1, op: { op: 'exec' }, start: 20 },
    { ...op, index: 2, op: { op: 'await_start' }, start: 60 },
  ];
  t.match(eventsOf({ ops, closed: [15, 40] }), [
    { name: 'mount_bind', ts: 10, dur: 2.5, args: { index: 0, from: '/mounts/0', error: 'ENOENT' } },
    { name: 'exec', dur: 20, args: { unfinished: true } },
    { name: 'await_start', dur: 40, args: { unfinished: true } },
  ]);
});
