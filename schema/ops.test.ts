import { readFileSync } from 'node:fs';
import t from 'tap';
import { callsOf } from './helper-calls.ts';

interface Spec {
  readonly ops: readonly { readonly name: string; readonly calls: readonly string[] }[];
}

const spec = JSON.parse(readFileSync(new URL('ops.json', import.meta.url), 'utf8')) as Spec;

t.test('ops.json has the calls that the C of each operation names when it fails', async (t) => {
  for (const { name, calls } of spec.ops) t.strictSame(calls, callsOf(`rt_${name}`), name);
});
