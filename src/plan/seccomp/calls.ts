import * as tables from '../../../schema/generated/syscalls.ts';
import type { Run } from '../../../schema/generated/syscalls.ts';

/**
 * The index of a system call's name, the same for all architectures: looking up rules by index in an array is several
 * times faster than by name.
 */
export type Call = number;

/** Calls of consecutive numbers. */
export interface CallRun {
  /** Number of the first one. */
  readonly first: number;
  /** In the order of their numbers; 0 for a number without a call. */
  readonly calls: Uint16Array;
}

const { others, ...runsByTable } = tables;

type Tables = Readonly<Record<keyof typeof runsByTable, readonly CallRun[]>>;

/** Result of `calls`: the tables of all architectures, with one index per name. */
export interface Calls extends Tables {
  /** Calls by the value of the first argument. */
  readonly multiplexed: Readonly<Record<'socketcall' | 'ipc', { call: Call; runs: readonly CallRun[] }>>;
  /** The names in the tables. */
  readonly byName: ReadonlyMap<string, Call>;
  /** Names by index. */
  readonly names: readonly string[];
  /**
   * An array with one element per name, to be copied: QuickJS copies an array at once, but fills a new one element by
   * element.
   */
  readonly none: readonly undefined[];
}

const hole = '-';
let made: Calls | undefined;

/** Made once and lazily: it takes Node two milliseconds, which commands without a seccomp filter save. */
export function calls(): Calls {
  return (made ??= makeCalls());
}

function makeCalls(): Calls {
  const names: string[] = [hole];
  const byName = new Map<string, Call>();

  function callOf(name: string): Call {
    if (name === hole) return 0;
    const known = byName.get(name);
    if (known !== undefined) return known;
    byName.set(name, names.length);
    return names.push(name) - 1;
  }

  function callRuns(runs: readonly Run[]): CallRun[] {
    return runs.map(([first, text]) => ({ first, calls: Uint16Array.from(text.split('\n').map(callOf)) }));
  }

  const runs = {} as { -readonly [Name in keyof Tables]: Tables[Name] };
  for (const name of Object.keys(runsByTable) as (keyof Tables)[]) runs[name] = callRuns(runsByTable[name]);
  const multiplexed = {
    socketcall: { call: callOf('socketcall'), runs: runs.socketcall },
    ipc: { call: callOf('ipc'), runs: runs.ipc },
  };
  return { ...runs, multiplexed, byName, names, none: names.map(() => undefined) };
}

/** Whether any architecture has a call of this name. */
export function isCallName(name: string): boolean {
  return name !== hole && (calls().byName.has(name) || others.split('\n').includes(name));
}

/** The names of the calls of all architectures. */
export function callNames(): readonly string[] {
  return [...calls().byName.keys(), ...others.split('\n')];
}
