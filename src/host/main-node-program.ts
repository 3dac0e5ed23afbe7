import { main } from '../cli/main.ts';
import { loadNative } from './node.ts';

/** What main-node.ts runs: a command line without the name of the program. Returns the exit code. */
export function start(argv: readonly string[]): number {
  return main(argv, loadNative());
}

/** Ends the process without Node's own tear-down, for which nothing is left: all output was written directly. */
export function exit(code: number): never {
  return loadNative().exit(code);
}
