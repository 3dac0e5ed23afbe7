import { main } from '../cli/main.ts';
import { loadNative } from './node.ts';

/** What main-node.ts runs: a command line without the name of the program. Returns the exit code. */
export function start(argv: readonly string[]): number {
  return main(argv, loadNative());
}
