import type { Options } from './options.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';

/** Input of a command. `Given`: the operands that it requires, and more. */
export interface Context<Given extends readonly string[] = readonly string[]> {
  readonly native: Native;
  /** Options before the command. */
  readonly globals: Options;
  readonly options: Options;
  /** Arguments that are not options; their number has been checked. */
  readonly operands: Given;
  readonly debug: (message: string) => void;
  /** Reports a problem at once; `raw`: standard error may be a terminal in raw mode. */
  readonly warn?: (diagnostics: readonly Diagnostic[], raw: boolean) => void;
  /** Returns what shows a line that the next one overwrites ('' removes it); undefined if no terminal shows it. */
  readonly progress?: () => ((line: string) => void) | undefined;
}

/** Input of a command for one container. */
export type ContainerContext = Context<readonly [id: string, ...others: string[]]>;

/** Result of a command, which throws a Failure if it fails; only main prints. */
export interface Outcome {
  readonly exitCode?: number;
  readonly output?: string;
  /** Output of a continuing command, printed in parts. */
  readonly stream?: Iterable<string>;
  /** Problems that did not make the command fail. */
  readonly warnings?: readonly Diagnostic[];
}

export type Command<Given extends readonly string[] = readonly string[]> = (context: Context<Given>) => Outcome;
