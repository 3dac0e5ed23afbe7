import { OP_CODECS } from '../../schema/generated/ops.ts';
import { RECORD } from '../../schema/generated/protocol.ts';
import type { Native } from '../host/native.ts';
import { errnoName } from './errno.ts';
import { renderTrace } from './trace-events.ts';
import type { NotedOp, Span, TracedOp } from './trace-events.ts';

/** Bytes of one record of native/helper/trace.h: eight words. */
const recordWords = 8;

/** Number of the program in the records of the operations that `start` releases. */
const startedNumber = 0xffff_ffff;

/** Receives what happens, one sentence each, for --debug. */
export type Listener = (message: string) => void;

interface Program {
  readonly ops: readonly TracedOp[];
  readonly staged: number;
  /** What the op of an index does; undefined for one that a listener need not know. */
  readonly step: (index: number) => string | undefined;
}

/** State of a running trace. */
interface Trace {
  readonly native: Native;
  readonly listener: Listener | undefined;
  /** Start time as [seconds, nanoseconds]. */
  readonly begin: readonly [number, number];
  /** Undefined if only the listener needs them. */
  readonly spans: Span[] | undefined;
  /** Indexes of the ops of which the listener knows. */
  readonly heard: Set<number>;
  /** Number of phases that have begun and not ended. */
  depth: number;
  /** Those of each program; the first is number 1. */
  readonly programs: Program[];
  /** Where the programs run that the runtime does not run itself, by their numbers. */
  readonly places: Map<number, string>;
  /** Pids of the processes that run them. */
  readonly pids: Map<string, number>;
  /** The ops of a program that another command made. */
  describe: (op: string, nth: number) => TracedOp;
  /** When a helper's socket was found closed: its last operation has ended. */
  readonly closed: number[];
}

let current: Trace | undefined;

/** Runs a step of a command and records its begin and end in the trace, if there is one. */
export function phase<T>(name: string, step: () => T): T {
  const trace = current;
  if (trace === undefined) return step();
  note(name);
  trace.depth++;
  try {
    return span(trace, name, 'phase', step, {});
  } finally {
    trace.depth--;
    hearOps(trace);
  }
}

/** Tells the listener, if there is one. */
export function note(message: string): void {
  if (current?.listener !== undefined) tell(current.listener, now(current), message);
}

function tell(listener: Listener, time: number, message: string): void {
  listener(`${(time / 1e3).toFixed(2)} ms: ${message}`);
}

/**
 * Tells the listener of the ops that have ended since the last time: another process runs them meanwhile. At the end of
 * the last phase also of those that have not, such as exec.
 */
function hearOps(trace: Trace): void {
  const { listener, heard, depth } = trace;
  if (listener === undefined) return;
  for (const [index, { step, start, end, error }] of notedOps(trace).entries()) {
    if (heard.has(index) || (end === undefined && depth > 0)) continue;
    heard.add(index);
    if (step === undefined) continue;
    const took = end === undefined ? '' : `, ${((end - start) / 1e3).toFixed(2)} ms`;
    tell(listener, start, `${step}${took}${error === 0 ? '' : `: ${errnoName(error)}`}`);
  }
}

/**
 * Number that identifies the ops of a program in the trace; 0 without a trace. The first `staged` ops of a helper's
 * program are those of a stage. `words` are for the listener.
 */
export function traceProgram<Op extends TracedOp>(
  ops: readonly Op[],
  staged = 0,
  words: (op: Op) => string | undefined = () => undefined,
): number {
  if (current === undefined) return 0;
  const step = (index: number): string | undefined => {
    const op = ops[index];
    return op === undefined ? undefined : words(op);
  };
  return current.programs.push({ ops, staged, step });
}

/**
 * Descriptor of the memory in which an already running helper records its operations; undefined without a trace. Its
 * program was made by another command: `describe` identifies an op by its name and its index among those of that name.
 */
export function traceStarted(native: Native, describe: Trace['describe']): number | undefined {
  if (current === undefined) return undefined;
  current.places.set(startedNumber, 'init');
  current.describe = describe;
  return native.traceDescriptor();
}

/** Starts a trace. Calls of the returned functions are recorded in it, unless there is only a listener. */
export function beginTrace(
  native: Native,
  { listener, recorded }: { readonly listener: Listener | undefined; readonly recorded: boolean },
): Native {
  const [seconds = 0, nanoseconds = 0] = native.realTime();
  const trace: Trace = {
    native,
    listener,
    begin: [seconds, nanoseconds],
    spans: recorded ? [] : undefined,
    heard: new Set(),
    depth: 0,
    programs: [],
    places: new Map(),
    pids: new Map(),
    describe: (op) => ({ op }),
    closed: [],
  };
  current = trace;
  return tracedFunctions(native, trace);
}

/** Ends the trace and returns its text, in Chrome's trace event format. `title` names the process. */
export function endTrace(title: string): string {
  const trace = current;
  if (trace === undefined) return '';
  const end = now(trace);
  current = undefined;
  return renderTrace({
    title,
    pid: trace.native.processId(),
    end,
    spans: trace.spans ?? [],
    ops: notedOps(trace),
    pids: trace.pids,
    closed: trace.closed,
  });
}

type Arguments = readonly unknown[];

function span<T>(trace: Trace, name: string, category: Span['category'], step: () => T, details: Span['details']): T {
  const start = now(trace);
  try {
    return step();
  } finally {
    trace.spans?.push({ name, category, start, end: now(trace), details });
  }
}

/** Microseconds since the trace began. */
function now({ native, begin }: Trace): number {
  const [seconds = 0, nanoseconds = 0] = native.realTime();
  return (seconds - begin[0]) * 1e6 + (nanoseconds - begin[1]) / 1e3;
}

function tracedFunctions(native: Native, trace: Trace): Native {
  const functions = native as unknown as Record<string, (...args: Arguments) => unknown>;
  const traced: typeof functions = {};
  for (const name of Object.keys(functions)) {
    traced[name] = (...args) => {
      notePlaces(trace, name, args);
      const details: Record<string, string | number> = {};
      if (typeof args[0] === 'string') details['argument'] = args[0];
      return span(
        trace,
        name,
        'native',
        () => {
          const result = functions[name]?.(...args);
          noteResult(trace, name, args, result, details);
          return result;
        },
        details,
      );
    };
  }
  return traced as unknown as Native;
}

/** The number that encodeProgram put into a program. */
function numberOf(program: unknown): number {
  return Array.isArray(program) ? Number(program[2] ?? 0) : 0;
}

function notePlaces(trace: Trace, name: string, args: Arguments): void {
  if (name !== 'launch') return;
  trace.places.set(numberOf(args[0]), 'init');
}

function noteResult(
  trace: Trace,
  name: string,
  [first]: Arguments,
  result: unknown,
  details: Record<string, string | number>,
): void {
  if (typeof result === 'number' && result < 0) details['errno'] = -result;
  if (name === 'receive' && result instanceof ArrayBuffer) noteRecord(trace, new Uint32Array(result.slice(0, 16)));
  if (name === 'launch' && Array.isArray(result)) {
    note(`started process ${String(result[0])}`);
    trace.pids.set('stage', Number(result[0]));
    trace.pids.set('init', Number(result[0]));
  }
  if (name === 'superviseChild') trace.pids.set('init', Number(first));
}

/** A record of a helper, if it shows where ops run: docs/protocol.md. */
function noteRecord(trace: Trace, [kind, , , value]: Uint32Array): void {
  if (kind === undefined) trace.closed.push(now(trace));
  if ((kind === RECORD.forked || kind === RECORD.forked_outside) && value !== undefined) trace.pids.set('init', value);
}

function notedOps(trace: Trace): NotedOp[] {
  const records = trace.native.traceRecords();
  if (typeof records === 'number') return [];
  const words = new Uint32Array(records);
  const ops: NotedOp[] = [];
  const seen = new Map<number, number>();
  const started = (code: number): TracedOp => {
    const nth = seen.get(code) ?? 0;
    seen.set(code, nth + 1);
    return trace.describe(nameOf(code), nth);
  };
  const time = (at: number): number =>
    ((words[at] ?? 0) - trace.begin[0]) * 1e6 + ((words[at + 1] ?? 0) - trace.begin[1]) / 1e3;
  for (let at = 0; at + recordWords <= words.length; at += recordWords) {
    const [number = 0, index = 0, code = 0, status = 0] = words.subarray(at, at + 4);
    const ended = words[at + 6] !== 0;
    const { ops: made = [], staged = 0, step } = trace.programs[number - 1] ?? {};
    const place = trace.places.get(number) ?? 'runtime';
    ops.push({
      place: index < staged ? 'stage' : place,
      index: index < staged ? index : index - staged,
      op: number === startedNumber ? started(code) : (made[index] ?? { op: nameOf(code) }),
      step: step?.(index),
      error: status > 0x7fff_ffff ? 0x1_0000_0000 - status : 0,
      start: time(at + 4),
      end: ended ? time(at + 6) : undefined,
    });
  }
  return ops;
}

function nameOf(code: number): string {
  return Object.entries(OP_CODECS).find(([, codec]) => codec.code === code)?.[0] ?? `op ${code}`;
}
