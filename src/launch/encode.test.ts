import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import t from 'tap';
import { OP_CODECS, PROGRAM_VERSION } from '../../schema/generated/ops.ts';
import type { Op } from '../../schema/generated/ops.ts';
import { loadNative } from '../host/node.ts';
import { encodeProgram } from './encode.ts';

const native = loadNative();
const untraced = 0;
const header = [Buffer.from('RTPG').readUInt32LE(), PROGRAM_VERSION, untraced];
const { EINVAL, ENOSPC, ENOTDIR, EPROTO } = constants.errno;

t.test(
  'encodeProgram: header with magic, version, no trace and number of ops; a code and its fields for each',
  async (t) => {
    t.strictSame(encodeProgram([{ op: 'pivot_root' }, { op: 'umask', mask: 0o22 }]), [
      ...header,
      2,
      OP_CODECS.pivot_root.code,
      OP_CODECS.umask.code,
      0o22,
    ]);
  },
);

t.test('encodeProgram: lists are preceded by their length', async (t) => {
  const exec = encodeProgram([{ op: 'exec', args: ['a', 'b'], env: [] }]).slice(4);
  t.strictSame(exec.slice(0, 5), [OP_CODECS.exec.code, 2, 'a', 'b', 0]);
});

t.test('encodeProgram: 64-bit values are exact', async (t) => {
  for (const soft of [0, 1, 2 ** 32, 2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 64n - 1n, -1]) {
    const [, low, high] = encodeProgram([{ op: 'rlimit', resource: 7, soft, hard: 0 }]).slice(5);
    t.equal((BigInt(high as number) << 32n) | BigInt(low as number), BigInt.asUintN(64, BigInt(soft)), String(soft));
  }
});

t.test('a packed program performs its ops: UTF-8, long and empty strings', async (t) => {
  const path = `${t.testdir({ file: '' })}/file`;
  for (const data of ['', 'plain', 'grüße', '日本 🐧', 'x'.repeat(100_000)]) {
    t.strictSame(native.runProgram(encodeProgram([{ op: 'write_file', path, data, ignore: 0 }])), []);
    t.equal(readFileSync(path, 'utf8').slice(0, data.length), data);
  }
});

t.test('a failure has the op, the errno, the part of the op and the call', async (t) => {
  const file = `${t.testdir({ file: '' })}/file`;
  const write: Op = { op: 'write_file', path: file, data: 'x', ignore: 0 };
  const failure = (...ops: Op[]): unknown => native.runProgram(encodeProgram(ops));
  t.strictSame(failure({ ...write, path: `${file}/none` }), [0, ENOTDIR, 0, 'openat2']);
  t.strictSame(failure(write, { ...write, path: '/dev/full' }), [1, ENOSPC, 0, 'write']);
  t.strictSame(failure({ op: 'write_files', paths: [file, '/dev/full'], data: ['x', 'x'] }), [0, ENOSPC, 1, 'write']);
  t.strictSame(failure({ op: 'unmount', path: file }), [0, EINVAL, 0, 'umount2']);
});

t.test('a damaged program is refused before its first op runs', async (t) => {
  const path = `${t.testdir({ file: 'before' })}/file`;
  const ops: readonly Op[] = [{ op: 'write_file', path, data: 'after', ignore: 0 }];
  const good = encodeProgram(ops);
  const damaged: Record<string, typeof good> = {
    'wrong magic': [0, ...good.slice(1)],
    'wrong version': [good[0] as number, PROGRAM_VERSION + 1, ...good.slice(2)],
    'an op more than there is': [...good.slice(0, 3), 2, ...good.slice(4)],
    'something behind the last op': [...good, 0],
    'a field missing': good.slice(0, -1),
    'an unknown op': [...good.slice(0, 3), 2, ...good.slice(4), 0xffff],
    'a string longer than the program': [...good.slice(0, 3), 2, ...good.slice(4), OP_CODECS.cgroup_join.code, 1000],
    'a list longer than its op takes': encodeProgram([
      ...ops,
      { op: 'write_files', paths: new Array(33).fill(path), data: new Array(33).fill('after') },
    ]),
    'an op that only init may run': encodeProgram([...ops, { op: 'pivot_root' }]),
  };
  for (const [what, program] of Object.entries(damaged)) {
    t.equal(native.runProgram(program), -EPROTO, what);
    t.equal(readFileSync(path, 'utf8'), 'before', what);
  }
});
