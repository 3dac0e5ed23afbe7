import { loadBundle } from '../bundle/load.ts';
import { bundleDirectory } from '../container/compile.ts';
import { Failure } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { printableLines } from '../diag/printable.ts';
import { explainCall } from '../explain/call.ts';
import { readFacts } from '../facts/facts.ts';
import type { Context, Outcome } from '../options/command.ts';
import type { Operands } from '../options/options.ts';

/** Tells what the profile of a bundle does with a system call. */
export function seccomp(context: Context<Operands<'seccomp'>>): Outcome {
  const { native, options } = context;
  const [action, call] = context.operands;
  if (action !== 'explain') {
    throw new Failure({
      code: 'seccomp.command',
      message: `unknown seccomp command ${JSON.stringify(action)}`,
      hint: 'use explain',
    });
  }
  const { config, text } = loadBundle(native, bundleDirectory(context), options.config);
  const name = options.config ?? 'config.json';
  try {
    const { architecture } = readFacts(native);
    return { output: printableLines(explainCall(config.linux?.seccomp, call, architecture, { text, name })) };
  } catch (error) {
    throw error instanceof Failure ? withLocations(error, text, name) : error;
  }
}
