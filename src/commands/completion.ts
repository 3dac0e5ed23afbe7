import { completionScript, shells } from '../options/completion-scripts.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Context, Outcome } from '../options/command.ts';

/** Prints the shell function that completes command lines of rt. */
export function completion({ operands }: Context): Outcome {
  const shell = shells.find((name) => name === operands[0]);
  if (shell !== undefined) return { output: completionScript(shell) };
  throw new Failure({
    code: 'completion.shell',
    message: `no completion for shell ${JSON.stringify(operands[0])}`,
    hint: `use one of: ${shells.join(', ')}`,
  });
}
