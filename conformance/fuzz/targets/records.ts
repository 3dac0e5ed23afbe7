import { facts, options } from '../../../test/config.ts';
import { config as small } from '../../../test/config.ts';
import { plan } from '../../../src/plan/index.ts';
import { failureOf } from '../../../src/launch/control.ts';
import { decodeHookResult } from '../../../src/hooks/result.ts';
import { decodeRecord } from '../../../src/launch/records.ts';
import { helperOps } from '../../../src/plan/plan.ts';
import { below, bytesOf, damage, pick } from '../target.ts';
import type { Target } from '../target.ts';

const ops = helperOps(plan(small({ hooks: { createContainer: [{ path: '/bin/true' }] } }), facts(), options));
const calls = ['execve', 'mount', 'openat2', 'open_tree', 'fsconfig', 'write', 'setns', ''];

/** Messages of a container process that impersonates the helper. */
export const records: Target = {
  name: 'records',
  unit: 'records',
  rounds: 3000,
  make: (next) => {
    const call = pick(calls, next);
    const detail = pick(['', '#!/bin/sh\n', '\x7fELF\x02\x01', '\x02\0\0\0okno', 'overlay: bad'], next);
    const numbers = [
      below(10, next),
      below(ops.length + 2, next),
      below(140, next),
      below(4, next),
      call.length,
      detail.length,
    ];
    const text = numbers.map(word).join('') + call + detail;
    return next() < 0.2 ? text : damage(text, next);
  },
  check: (input) => {
    const { buffer } = bytesOf(input);
    decodeHookResult(buffer);
    const record = decodeRecord(buffer);
    if (record.kind === 'failed' || record.kind === 'hook_failed') {
      for (const list of [ops, undefined]) {
        const { diagnostics } = failureOf(record, list);
        if (diagnostics.some(({ message }) => message === '' || message.includes('undefined'))) {
          throw new Error(`in: ${diagnostics.map(({ message }) => message).join()}`);
        }
      }
    }
    return 1;
  },
};

function word(value: number): string {
  return String.fromCharCode(value & 0xff, value >> 8, 0, 0);
}
