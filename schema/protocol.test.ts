import { readFileSync } from 'node:fs';
import t from 'tap';
import { decodeRecord } from '../src/launch/records.ts';
import { ANNOUNCED_WAITS, RECORD, WAIT } from './generated/protocol.ts';

interface Protocol {
  readonly waits: readonly { readonly name: string; readonly op: string; readonly record: string | null }[];
  readonly records: readonly { readonly name: string; readonly code: number }[];
}

interface Spec {
  readonly ops: readonly { readonly name: string; readonly waits?: true }[];
}

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

const { waits, records } = JSON.parse(read('protocol.json')) as Protocol;
const { ops } = JSON.parse(read('ops.json')) as Spec;

/** What the kernel or the receiver puts in. */
const value = 12;

function decoded(kind: number, of: number): ReturnType<typeof decodeRecord> {
  return decodeRecord(new Uint32Array([kind, 3, 1, of, 0, 0]).buffer);
}

t.test('each record is decoded as what it is, and a kind that is none as forged', async (t) => {
  for (const [name, code] of Object.entries(RECORD)) {
    t.equal(decoded(code, name === 'waiting' ? WAIT.hooks : value).kind, name);
  }
  const codes = records.map(({ code }) => code);
  t.equal(new Set(codes).size, codes.length, 'no code stands for two records');
  for (const code of [0, Math.max(...codes) + 1, 0xffff_ffff]) t.equal(decoded(code, value).kind, 'forged');
});

t.test('a wait that no record may announce is not believed', async (t) => {
  for (const [name, code] of Object.entries(WAIT)) {
    const announced = ANNOUNCED_WAITS.find((wait) => wait === name);
    t.same(
      decoded(RECORD.waiting, code),
      announced === undefined ? { kind: 'forged' } : { kind: 'waiting', wait: announced },
    );
  }
});

t.test('a record is told from a response of criu, which begins with the key of its first field', async (t) => {
  t.notOk(records.some(({ code }) => code === 8));
});

t.test('every operation that waits has its wait, and every wait an operation and a record of its own', async (t) => {
  const waiting = ops.filter((op) => op.waits).map(({ name }) => name);
  for (const name of waiting)
    t.ok(
      waits.some(({ op }) => op === name),
      name,
    );
  for (const { name, op, record } of waits) {
    t.ok(
      ops.some((one) => one.name === op),
      `${name}: ${op}`,
    );
    t.ok(record === null || records.some((one) => one.name === record), `${name}: ${record}`);
  }
});

t.test(
  'the number of a go-ahead that a created container waits for stays: its init may be older than rt',
  async (t) => {
    t.match(WAIT, { start: 1, start_traced: 2 });
  },
);
