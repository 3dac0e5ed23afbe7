import t from 'tap';
import { OP_CODECS } from '../../schema/generated/ops.ts';
import { u32 } from './bytes.ts';
import { encodeProgram } from './encode.ts';

function encode(...ops: Parameters<typeof encodeProgram>[0]): Uint8Array {
  return new Uint8Array(encodeProgram(ops));
}

t.test('encodeProgram: header with magic, version, number of ops and size', async (t) => {
  const bytes = encode({ op: 'pivot_root' }, { op: 'umask', mask: 0o22 });
  t.equal(String.fromCharCode(...bytes.subarray(0, 4)), 'RTPG');
  t.equal(u32(bytes, 4), 1);
  t.equal(u32(bytes, 8), 2);
  t.equal(u32(bytes, 12), bytes.length);
  t.equal(u32(bytes, 16), OP_CODECS.pivot_root.code);
  t.equal(u32(bytes, 20), 0, 'no fields');
  t.strictSame([u32(bytes, 24), u32(bytes, 28), u32(bytes, 32)], [OP_CODECS.umask.code, 4, 0o22]);
});

t.test('encodeProgram: strings are UTF-8 with length and NUL', async (t) => {
  for (const name of ['', 'plain', 'grüße', '日本', '🐧x']) {
    const bytes = encode({ op: 'set_hostname', name });
    const expected = new TextEncoder().encode(name);
    t.equal(u32(bytes, 24), expected.length, name);
    t.strictSame([...bytes.subarray(28, 28 + expected.length)], [...expected], name);
    t.equal(bytes[28 + expected.length], 0);
    t.equal(bytes.length, 29 + expected.length);
  }
  t.strictSame([...encode({ op: 'set_hostname', name: '\ud800' }).subarray(28, 31)], [0xef, 0xbf, 0xbd]);
});

t.test('encodeProgram: 64-bit values are exact', async (t) => {
  const limits = [0, 1, 2 ** 32, 2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 64n - 1n, -1];
  for (const soft of limits) {
    const bytes = encode({ op: 'rlimit', resource: 7, soft, hard: 0 });
    const value = (BigInt(u32(bytes, 32)) << 32n) | BigInt(u32(bytes, 28));
    t.equal(value, BigInt.asUintN(64, BigInt(soft)), String(soft));
  }
});

t.test('encodeProgram: grows past its first buffer', async (t) => {
  const text = 'x'.repeat(100_000);
  const bytes = encode({ op: 'exec', args: [text, text], env: [] });
  t.ok(bytes.length > 200_000);
  t.equal(u32(bytes, 12), bytes.length);
});
