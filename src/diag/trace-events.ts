import { printableLines } from './printable.ts';
import { errnoName } from './errno.ts';

/** The parts of an operation that a trace shows. */
export interface TracedOp {
  readonly op: string;
  /** Its origin in the config; absent if the runtime needs it itself. */
  readonly from?: string;
}

/** An activity of the runtime; times in microseconds since the trace began. */
export interface Span {
  readonly name: string;
  /** A step of the command, or a native function. */
  readonly category: 'phase' | 'native';
  readonly start: number;
  readonly end: number;
  readonly details: Readonly<Record<string, string | number>>;
}

/** One execution of an op. */
export interface NotedOp {
  /** `runtime`, `stage` or `init`. */
  readonly place: string;
  /** Index in its program. */
  readonly index: number;
  readonly op: TracedOp;
  /** What it does, in words; undefined for one of little interest. */
  readonly step?: string | undefined;
  /** Errno, 0 for none. */
  readonly error: number;
  readonly start: number;
  /** Undefined if it had not returned when the trace ended, or never does: exec. */
  readonly end: number | undefined;
}

export interface TraceData {
  readonly title: string;
  /** Pid of the runtime. */
  readonly pid: number;
  readonly end: number;
  readonly spans: readonly Span[];
  readonly ops: readonly NotedOp[];
  readonly pids: ReadonlyMap<string, number>;
  readonly closed: readonly number[];
}

interface Event {
  readonly name: string;
  readonly cat: string;
  /** X: from `ts`, for `dur` microseconds. */
  readonly ph: 'X';
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, string | number | boolean>>;
}

/** Threads of the diagram, from top to bottom. */
const places = ['runtime', 'stage', 'init'];

/**
 * A trace in Chrome's trace event format, which Perfetto opens: one process, with a thread for each place of execution.
 * Enclosing events precede the enclosed ones.
 */
export function renderTrace(data: TraceData): string {
  const { pid, spans, ops } = data;
  const done = spans.map((span): Event =>
    event(pid, 'runtime', span.name, span.category, span.start, span.end, span.details),
  );
  const events = [...done, ...ops.map((op) => opEvent(data, op))];
  events.sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const used = places.filter((place) => events.some(({ tid }) => tid === threadOf(place)));
  const names = [
    { name: 'process_name', ph: 'M', pid, args: { name: data.title } },
    ...used.map((place) => ({
      name: 'thread_name',
      ph: 'M',
      pid,
      tid: threadOf(place),
      args: { name: nameOf(data, place) },
    })),
  ];
  const lines = [...names, ...events].map((one) => printableLines(JSON.stringify(one)));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

function threadOf(place: string): number {
  return places.indexOf(place) + 1;
}

function nameOf({ pid, pids }: TraceData, place: string): string {
  const number = place === 'runtime' ? pid : pids.get(place);
  return number === undefined ? place : `${place} (pid ${number})`;
}

function opEvent({ pid, end, closed }: TraceData, op: NotedOp): Event {
  // The helper's socket closes when the program replaces the helper.
  const last = op.end ?? closed.find((time) => time >= op.start) ?? end;
  const { op: name, from } = op.op;
  return event(pid, op.place, name, 'op', op.start, last, {
    index: op.index,
    ...(from === undefined ? {} : { from }),
    ...(op.error === 0 ? {} : { error: errnoName(op.error) }),
    ...(op.end === undefined ? { unfinished: true } : {}),
  });
}

function event(
  pid: number,
  place: string,
  name: string,
  category: string,
  start: number,
  end: number,
  args: Event['args'],
): Event {
  // Whole nanoseconds, so that events that end together also do so in the text.
  const ts = Math.round(start * 1e3) / 1e3;
  const dur = Math.round((end - start) * 1e3) / 1e3;
  return { name, cat: category, ph: 'X', ts, dur: Math.max(dur, 0), pid, tid: threadOf(place), args };
}
