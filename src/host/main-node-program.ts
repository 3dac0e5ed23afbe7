import { main } from '../cli/main.ts';
import { loadNative } from './node.ts';

/** Runs a command line without the name of the program, for main-node.ts. Returns the exit code. */
export function start(argv: readonly string[]): number {
  return main(argv, loadNative());
}

/** Ends the process without Node's own tear-down, which has nothing to do: all output was written directly. */
export function exit(code: number): never {
  return loadNative().exit(code);
}
