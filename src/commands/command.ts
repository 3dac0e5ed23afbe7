import type { Options } from '../cli/options.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';

/** Input of a command. */
export interface Context {
  readonly native: Native;
  /** Options before the command. */
  readonly globals: Options;
  readonly options: Options;
  /** Arguments that are not options; their number has been checked. */
  readonly operands: readonly string[];
  readonly debug: (message: string) => void;
}

/** Result of a command, which throws a Failure if it fails; only main prints. */
export interface Outcome {
  readonly exitCode?: number;
  readonly output?: string;
  /** Output of a continuing command, printed in parts. */
  readonly stream?: Iterable<string>;
  /** Problems that did not make the command fail. */
  readonly warnings?: readonly Diagnostic[];
}

export type Command = (context: Context) => Outcome;
