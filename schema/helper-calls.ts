/** Reads in the C of the helper which system call the failure of an operation can name. */
import { readFileSync, readdirSync } from 'node:fs';

interface Definition {
  readonly calls: ReadonlySet<string>;
  readonly uses: readonly string[];
}

const folder = new URL('../native/helper/', import.meta.url);

/** `rt_fail(context, "openat2", fd)`, `*call = "openat2"` and `(struct made){"openat2", fd}`. */
const named = /(?:rt_fail\(\s*\S+, |\*call = |\? |: |struct made\)\{)"(\w+)"/g;

function definitions(file: string): [string, Definition][] {
  const source = readFileSync(new URL(file, folder), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
  const found = source.matchAll(/^(?!enum|struct \w+ \{)\w[^;{}=]*?\b(\w+)\([^;{}]*?\)\n\{\n([^]*?)^\}/gm);
  return Array.from(found, ([, name = '', body = '']) => {
    const calls = new Set<string>();
    for (const statement of body.split(';')) {
      if (!/rt_fail\(|\*call = |struct made/.test(statement)) continue;
      for (const [, call = ''] of statement.matchAll(named)) calls.add(call);
    }
    const uses = body.matchAll(/\brt_clone\([^;]*?, (\w+), &?\w+\)|\b(\w+)\(/g);
    return [file + name, { calls, uses: Array.from(uses, ([, child, use]) => child ?? use ?? '') }];
  });
}

const helper = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .flatMap(definitions),
);

/** Static functions of other files have the same names. */
function find(name: string, file: string): string | undefined {
  if (helper.has(file + name)) return file + name;
  return name.startsWith('rt_') ? [...helper.keys()].find((key) => key.endsWith(`.c${name}`)) : undefined;
}

/** Undefined when there is no such function. */
export function callsOf(name: string): readonly string[] | undefined {
  const start = find(name, '');
  if (start === undefined) return undefined;
  const seen = new Set([start]);
  for (const key of seen) {
    const file = key.slice(0, key.indexOf('.c') + 2);
    for (const use of helper.get(key)?.uses ?? []) {
      const next = find(use, file);
      if (next !== undefined) seen.add(next);
    }
  }
  return [...new Set([...seen].flatMap((key) => [...(helper.get(key)?.calls ?? [])]))].sort();
}
