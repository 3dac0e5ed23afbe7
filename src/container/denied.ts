import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { SECCOMP_RET } from '../kernel/seccomp.ts';
import type { SeenCall, Watch } from '../launch/watch.ts';
import type { Context } from '../options/command.ts';
import type { Options } from '../options/options.ts';
import { actionWords } from '../plan/seccomp/action-words.ts';
import type { WatchMode } from '../plan/seccomp/watched.ts';
import type { Console } from './terminal.ts';

/** Different arguments of one call that are reported one by one. */
const mostOfOneCall = 10;

/** What the options ask for; `detach`: nobody would be there to answer. */
export function watchMode(options: Options, detach: boolean): WatchMode | undefined {
  const records = options['record-seccomp'] !== undefined;
  if (!records && options['explain-denied'] !== true) return undefined;
  if (!detach) return records ? 'every' : 'refused';
  throw new Failure({
    code: 'seccomp.watch',
    message: `--${records ? 'record-seccomp' : 'explain-denied'}: with --detach nobody would be left to answer the calls of the program`,
    hint: 'drop --detach',
  });
}

/**
 * From now on reports each call that is refused, when it first happens. The returned function reports at the end how
 * often the same happened. `locate` adds the places in the config.
 */
export function reportDenied(
  context: Context,
  watch: Watch,
  console: Console,
  locate: (failure: Failure) => Failure,
): (() => readonly Diagnostic[]) | undefined {
  if (context.options['explain-denied'] !== true) return undefined;
  const counts = new Map<string, number>();
  const kinds = new Map<string, number>();
  watch.onCall = (call) => {
    const { text, pointer } = call;
    const name = call.call?.name ?? '';
    const count = counts.get(text);
    const kind = kinds.get(name) ?? 0;
    if (count === undefined && kind === mostOfOneCall) {
      const others = `${name} with other arguments`;
      counts.set(others, (counts.get(others) ?? 1) + 1);
      return;
    }
    counts.set(text, (count ?? 0) + 1);
    if (count !== undefined) return;
    kinds.set(name, kind + 1);
    const { diagnostics } = locate(new Failure({ code: 'seccomp.denied', message: deniedWords(call), pointer }));
    context.warn?.(diagnostics, console.kind === 'relay');
  };
  return () =>
    [...counts]
      .filter((entry) => entry[1] > 1)
      .map(([text, count]) => ({ code: 'seccomp.denied', message: `${text} was refused ${count} times` }));
}

function deniedWords({ text, pid, program, action, call, own }: SeenCall): string {
  const where = own ? '' : ' of another architecture';
  const traps = (action & SECCOMP_RET.ACTION_FULL) >>> 0 === SECCOMP_RET.TRAP;
  const newer = call?.newer === true ? ', as the profile names no call that is as new' : '';
  const end = traps ? ', here without its siginfo' : newer;
  return `${text}${where}, process ${pid} (${program}): ${actionWords(action)}${end}`;
}
