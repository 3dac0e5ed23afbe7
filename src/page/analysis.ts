import type { Config } from '../../schema/generated/config.ts';
import { checkConfigText } from '../bundle/load.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { describeConfig } from '../explain/describe.ts';
import { examine } from '../explain/examine.ts';
import { explanationText } from '../explain/render.ts';
import { explain } from '../plan/explain.ts';
import { plan } from '../plan/index.ts';
import { typicalHost } from './host.ts';

const name = 'config.json';

/** `error`: not valid; `refused`: valid, but no container can be made; `warning`: without effect; `note`: rarely meant. */
export type Level = 'error' | 'refused' | 'warning' | 'note';

export interface Finding {
  readonly level: Level;
  readonly diagnostic: Diagnostic;
  /** Offsets into the text of what the finding is about; undefined if it has no place. */
  readonly range: readonly [from: number, to: number] | undefined;
}

export interface Analysis {
  /** In the order of the text. */
  readonly findings: readonly Finding[];
  /** As `rt explain` and `rt plan` print it; empty for a config that is not valid. */
  readonly explanation: string;
  readonly plan: string;
}

/** Everything that the page shows about the text of a config. */
export function analyse(text: string): Analysis {
  try {
    const checked = checkConfigText(text, name);
    const { faults, unsupported, ineffective, notes } = examine(text, name, checked);
    const found = [
      ...at(text, 'error', faults),
      ...at(text, 'refused', unsupported),
      ...at(text, 'warning', ineffective),
      ...at(text, 'note', notes),
    ];
    if (faults.length > 0) return { findings: inOrder(found), explanation: '', plan: '' };
    const config = checked.value as Config;
    const explanation = explanationText(describeConfig(config), { text, name }).trimStart();
    const planned = planOf(config, text);
    return {
      findings: inOrder([...found, ...at(text, 'refused', planned.faults)]),
      explanation,
      plan: planned.text,
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { findings: at(text, 'error', error.diagnostics), explanation: '', plan: '' };
  }
}

function planOf(config: Config, text: string): { readonly text: string; readonly faults: readonly Diagnostic[] } {
  try {
    const made = plan(config, typicalHost, {
      id: 'page',
      bundle: '/bundle',
      rootless: 'auto',
      keyring: '_ses.page',
      awaitStart: 'socket',
    });
    return { text: explain(made, 'text'), faults: [] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { text: '', faults: withLocations(error, text, name).diagnostics };
  }
}

function at(text: string, level: Level, list: readonly Diagnostic[]): Finding[] {
  return list.map((diagnostic) => ({ level, diagnostic, range: rangeOf(text, diagnostic) }));
}

function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((one, other) => (one.range?.[0] ?? -1) - (other.range?.[0] ?? -1));
}

/** The token at the place of a diagnostic: a string, a number or word, or the bracket that begins a value. */
function rangeOf(text: string, { location }: Diagnostic): readonly [from: number, to: number] | undefined {
  if (location === undefined) return undefined;
  let from = 0;
  for (let line = 1; line < location.line; line++) {
    const end = text.indexOf('\n', from);
    if (end < 0) break;
    from = end + 1;
  }
  from = Math.min(from + location.column - 1, text.length);
  const token = /^(?:"(?:[^"\\\n]|\\.)*"?|[\w.+-]+|[^\n])/.exec(text.slice(from, from + 4096))?.[0] ?? '';
  return [from, from + token.length];
}
