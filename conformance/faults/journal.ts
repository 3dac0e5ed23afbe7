import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** Result of a point. */
export interface Entry {
  readonly kind: string;
  readonly command: string;
  readonly key: string;
  /** 'unreached': the command did not reach that call this time. */
  readonly verdict: 'clean' | 'dirty' | 'unreached';
  readonly problems: readonly string[];
  /** Exit status of the command, and its first message. */
  readonly status: number;
  readonly said: string;
  /** The first argument of the call that looks like a path. */
  readonly path: string;
}

/** Points already tried, so that an interrupted run can continue. */
export class Journal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  entries(): Entry[] {
    return entriesOf(this.#path);
  }

  add(entry: Entry): void {
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }
}

/** The entries of a journal; none when it does not exist. */
export function entriesOf(path: string): Entry[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Entry);
}

export function keyOf({ kind, command, key }: Pick<Entry, 'kind' | 'command' | 'key'>): string {
  return `${kind} | ${command} | ${key}`;
}
