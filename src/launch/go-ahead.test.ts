import t from 'tap';
import type { Wait } from '../../schema/generated/protocol.ts';
import { WAIT } from '../../schema/generated/protocol.ts';
import { errnoName } from '../diag/errno.ts';
import { loadNative } from '../host/node.ts';
import { SIGKILL } from '../kernel/signals.ts';
import type { PlannedOp } from '../plan/types.ts';
import { receive, sendGoAhead } from './control.ts';
import { encodeProgram } from './encode.ts';
import { isUnborn, startHelper } from './helper.ts';

const native = loadNative();

/** The reply of a helper that runs a waiting op, once it has received a go-ahead. */
function answered(op: PlannedOp, goAhead: Wait): string {
  const program = encodeProgram([op, { op: 'await_hooks', from: 'default' }]);
  const helper = startHelper(native, { program });
  if (isUnborn(helper)) throw new Error(`cannot start the helper: ${helper.call}`);
  try {
    const unprompted = op.op === 'await_cgroups' || op.op === 'await_limits';
    const first = unprompted ? undefined : receive(native, helper.control);
    sendGoAhead(native, helper.control, goAhead);
    const next = receive(native, helper.control);
    const announced = first?.kind === 'waiting' ? `${first.wait}, ` : '';
    if (next.kind === 'failed') return `${announced}${errnoName(next.errno)} of ${next.call} in op ${next.op}`;
    return `${announced}then ${next.kind === 'waiting' ? next.wait : next.kind}`;
  } finally {
    native.close(helper.control);
    native.signalProcess(helper.pid, SIGKILL);
    native.waitChild(helper.pid);
  }
}

const ops = ['unit', 'cgroups', 'limits', 'scheduler'] as const;

t.test('init goes on when it is told so for what it waits for, and refuses a go-ahead for anything else', async (t) => {
  for (const wait of ops) {
    const op: PlannedOp = { op: `await_${wait}`, from: 'default' };
    const announced = wait === 'cgroups' || wait === 'limits' ? '' : `${wait}, `;
    for (const other of Object.keys(WAIT) as Wait[]) {
      const expected = other === wait ? 'then hooks' : 'EPROTO of read in op 0';
      t.equal(answered(op, other), `${announced}${expected}`, `${wait}: go-ahead for ${other}`);
    }
  }
});
