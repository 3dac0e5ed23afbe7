import { CAPABILITIES } from '../kernel/processes.ts';
import { SIGNALS } from '../kernel/signals.ts';
import { commands, globalOptions } from '../options/options.ts';
import type { CommandName, CommandSpec, OptionSpec } from '../options/options.ts';

/** A possible word at the cursor, and its meaning. */
export interface Candidate {
  readonly word: string;
  readonly help: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** The paths that the shell adds from the filesystem. */
  readonly paths: 'none' | 'files' | 'directories';
}

/** Ids of the containers below the state root given with `--root`. */
export type ListIds = (root: string | undefined) => readonly string[];

const nothing: Completion = { candidates: [], paths: 'none' };

/**
 * Candidates for the last of `words`, which is a partial word; `words` excludes the program's name. The type of a value
 * or operand follows from its name in the option table (DIR, FILE, ID, `text|json`). The shell drops candidates that do
 * not match the partial word.
 */
export function complete(words: readonly string[], listIds: ListIds): Completion {
  const globals = scan(words, globalOptions, true);
  const root = globals.given.get('root');
  if (globals.cursor !== 'operand') return completeOption(globals, globalOptions, root, listIds);
  const [name = '', ...rest] = globals.operands;
  if (rest.length === 0) return { candidates: commandCandidates(true), paths: 'none' };
  if (name === 'help' || name === 'h') {
    return rest.length === 1 ? { candidates: commandCandidates(false), paths: 'none' } : nothing;
  }
  if (!Object.hasOwn(commands, name)) return nothing;
  const spec = commands[name as CommandName];
  const found = scan(rest, spec.options, spec.optionsFirst === true);
  if (found.cursor !== 'operand') return completeOption(found, spec.options, root, listIds);
  return completeOperand(spec, found.operands.length - 1, root, listIds);
}

interface Scan {
  /** Position of the last word: in an option's name, in the value of `option`, or after the options. */
  readonly cursor: 'name' | 'value' | 'operand';
  readonly option?: OptionSpec;
  /** The part of the last word before the value: `--format=`. */
  readonly prefix: string;
  /** Values of the options before the cursor, by name; a flag has none. */
  readonly given: ReadonlyMap<string, string>;
  /** Includes the last word if that is an operand. */
  readonly operands: readonly string[];
}

/** Reads words as the parser does, but treats unknown options as flags. */
function scan(words: readonly string[], specs: readonly OptionSpec[], stopAtOperand: boolean): Scan {
  const given = new Map<string, string>();
  const operands: string[] = [];
  const last = words.length - 1;
  for (let index = 0; index <= last; index += 1) {
    const word = words[index] ?? '';
    if (word === '--' && index < last) {
      return { cursor: 'operand', prefix: '', given, operands: [...operands, ...words.slice(index + 1)] };
    }
    if (!word.startsWith('-') || (word === '-' && index < last)) {
      if (stopAtOperand) return { cursor: 'operand', prefix: '', given, operands: words.slice(index) };
      operands.push(word);
      continue;
    }
    const [, name = '', equals = '', value = ''] = /^--?([^=]*)(=?)([^]*)$/.exec(word) ?? [];
    const spec = specs.find((one) => (one.long ?? one.name) === name || one.short === name || one.alias === name);
    if (index === last) {
      if (equals === '' || spec === undefined) return { cursor: 'name', prefix: '', given, operands };
      return { cursor: 'value', option: spec, prefix: word.slice(0, word.indexOf('=') + 1), given, operands };
    }
    if (spec === undefined) continue;
    if (spec.kind === 'flag' || equals !== '' || (spec.kind === 'text' && spec.bare !== undefined)) {
      given.set(spec.name, value);
      continue;
    }
    index += 1;
    if (index === last) return { cursor: 'value', option: spec, prefix: '', given, operands };
    given.set(spec.name, words[index] ?? '');
  }
  return { cursor: 'operand', prefix: '', given, operands };
}

function completeOption(
  { cursor, option, prefix, given }: Scan,
  specs: readonly OptionSpec[],
  root: string | undefined,
  listIds: ListIds,
): Completion {
  if (cursor === 'name') return { candidates: optionCandidates(specs, given), paths: 'none' };
  const kind = option === undefined || option.kind === 'flag' ? 'true|false' : option.value;
  const { candidates, paths } = completeKind(kind, option?.name === 'id', root, listIds);
  return { candidates: candidates.map(({ word, help }) => ({ word: prefix + word, help })), paths };
}

/** Omits options already given, unless they may be repeated. */
function optionCandidates(specs: readonly OptionSpec[], given: ReadonlyMap<string, string>): Candidate[] {
  return specs
    .filter(({ hidden }) => hidden !== true)
    .filter(({ name, kind }) => kind === 'list' || !given.has(name))
    .flatMap((spec) => {
      const help = spec.help;
      const short = spec.short === undefined ? [] : [{ word: `-${spec.short}`, help }];
      return [{ word: `--${spec.long ?? spec.name}`, help }, ...short];
    });
}

function commandCandidates(withHelp: boolean): Candidate[] {
  const names = Object.keys(commands) as CommandName[];
  const all = names.map((name): Candidate => ({ word: name, help: commands[name].summary }));
  return withHelp ? [...all, { word: 'help', help: 'print help' }] : all;
}

function completeOperand(spec: CommandSpec, position: number, root: string | undefined, listIds: ListIds): Completion {
  const kind = spec.operands.split(' ')[position]?.replace(/^\[|\]$/g, '');
  return kind === undefined ? nothing : completeKind(kind, spec.makesContainer === true, root, listIds);
}

function completeKind(kind: string, newId: boolean, root: string | undefined, listIds: ListIds): Completion {
  switch (kind) {
    case 'DIR':
      return { candidates: [], paths: 'directories' };
    case 'FILE':
    case 'SOCKET':
      return { candidates: [], paths: 'files' };
    case 'ID':
      return { candidates: newId ? [] : listIds(root).map((word) => ({ word, help: 'container' })), paths: 'none' };
    case 'SIGNAL':
      return {
        candidates: Object.entries(SIGNALS).map(([word, number]) => ({ word, help: `signal ${number}` })),
        paths: 'none',
      };
    case 'CAP':
      return { candidates: Object.keys(CAPABILITIES).map((word) => ({ word, help: 'capability' })), paths: 'none' };
    default:
      if (!/^[a-z0-9-]+(\|[a-z0-9-]+)+$/.test(kind)) return nothing;
      return { candidates: kind.split('|').map((word) => ({ word, help: '' })), paths: 'none' };
  }
}

/** Format for the shell functions: the kind of paths, then one candidate per line, its meaning after a tab. */
export function completionText({ candidates, paths }: Completion): string {
  return `${paths}\n${candidates.map(({ word, help }) => `${word}\t${help}\n`).join('')}`;
}
