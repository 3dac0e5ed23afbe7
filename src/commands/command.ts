import type { Options } from '../cli/options.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';

/** What a command gets. */
export interface Context {
  readonly native: Native;
  /** Options before the command. */
  readonly globals: Options;
  readonly options: Options;
  /** Arguments that are not options; their number has been checked. */
  readonly operands: readonly string[];
  readonly debug: (message: string) => void;
}

/** What a command gives back. One that fails throws a Failure instead; only main prints. */
export interface Outcome {
  readonly exitCode?: number;
  readonly output?: string;
  /** Output of a command that goes on, printed part by part as it comes. */
  readonly stream?: Iterable<string>;
  /** What went wrong without making the command fail. */
  readonly warnings?: readonly Diagnostic[];
}

export type Command = (context: Context) => Outcome;
