import type { Diagnostic } from '../diag/diagnostic.ts';
import { placesIn } from '../diag/locate.ts';
import { printable } from '../diag/printable.ts';
import type { Explanation, Statement } from './describe.ts';

/** The text of a config, and its name in places. */
export interface Source {
  readonly text: string;
  readonly name: string;
}

const titles = {
  runs: 'It runs',
  sees: 'It sees',
  may: 'It may',
  limits: 'It is limited in',
  hooks: 'Before and after it run',
} as const;

/** For people: a line for each statement, with its place. */
export function explanationText(explanation: Explanation, { text, name }: Source): string {
  const { atPointer } = placesIn(text, name);
  const place = (pointer: string | undefined): string => {
    if (pointer === undefined) return '';
    const { file, line, column } = atPointer(pointer);
    return `  [${file}:${line}:${column}]`;
  };
  const sections = (Object.keys(titles) as (keyof typeof titles)[]).flatMap((part) =>
    section(
      titles[part],
      explanation[part].map((statement) => `${printable(statement.text)}${place(statement.pointer)}`),
    ),
  );
  const found = ({ message, pointer, hint }: Diagnostic): string =>
    `${printable(message)}${place(pointer)}${hint === undefined ? '' : `\n    cure: ${printable(hint)}`}`;
  return [
    ...sections,
    ...section('What weakens it', explanation.weaknesses.map(found)),
    ...(explanation.mistakes.length === 0 ? [] : section('Probably not meant', explanation.mistakes.map(found))),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return ['', title, ...(lines.length === 0 ? ['  nothing'] : lines.map((line) => `  ${line}`))];
}

/** For programs: each statement and finding with its place. */
export function explanationData(explanation: Explanation, { text, name }: Source): object {
  const { atPointer } = placesIn(text, name);
  const located = (item: Statement | Diagnostic): object =>
    item.pointer === undefined ? item : { ...item, ...atPointer(item.pointer) };
  return Object.fromEntries(
    Object.entries(explanation).map(([key, list]: [string, readonly (Statement | Diagnostic)[]]) => [
      key,
      list.map(located),
    ]),
  );
}
