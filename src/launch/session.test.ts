import t from 'tap';
import { WAIT } from '../../schema/generated/protocol.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { cgroupAt } from '../../test/config.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedOp } from '../plan/types.ts';
import { launch } from './session.ts';
import type { LaunchOptions } from './session.ts';

const join: PlannedOp = { op: 'cgroup_join', file: '/sys/fs/cgroup/pids/c1/tasks', from: '/linux/cgroupsPath' };
const plan: Plan = {
  stage: [join, { op: 'clone_init', flags: CLONE_NEW.pid, from: '/linux/namespaces' }],
  init: [join],
  host: [],
  awaited: [],
  limits: [],
  limitsAwaited: false,
  cloneFlags: 0,
  cloneCgroup: '',
  netDevices: [],
  cgroup: { manager: 'cgroupfs', version: 1, hierarchies: [cgroupAt('/sys/fs/cgroup/pids/c1', 'pids')] },
} as unknown as Plan;

const call = new TextEncoder().encode('openat2');
/** A record of the helper (native/helper/record.h). */
function record(kind: number, { op = 0, errno = 0, value = 0 } = {}): ArrayBuffer {
  const bytes = new Uint8Array(24 + call.length);
  new Uint32Array(bytes.buffer, 0, 6).set([kind, op, errno, value, call.length, 0]);
  bytes.set(call, 24);
  return bytes.buffer;
}
/** Init is a child of the started helper. */
const forked = (pid: number): ArrayBuffer => record(6, { value: pid });
const ready = [forked(50), record(3)];
const joinFailed = [forked(50), record(1, { op: 2, errno: ENOENT })];
const stageFailed = [record(1, { errno: ENOENT })];

/** Launches with a helper that sends these records, one list per attempt. */
function attempts(...said: readonly (readonly ArrayBuffer[])[]): string[] {
  const calls: string[] = [];
  let attempt = -1;
  let left: ArrayBuffer[] = [];
  const native = {
    launch: () => {
      attempt++;
      left = [...(said[attempt] ?? [])];
      return [40 + attempt, 100, -1];
    },
    receive: () => left.shift() ?? new ArrayBuffer(0),
    runProgram: () => [],
    stat: () => [],
    close: () => 0,
    signalProcess: () => 0,
    waitChild: () => 0,
  } as unknown as Native;
  const { pid } = launch(native, plan, noting(calls));
  return [...calls, String(pid)];
}

function noting(calls: string[]): LaunchOptions<void> {
  const noted = (name: string) => (): void => void calls.push(name);
  return {
    onCgroups: noted('cgroups'),
    onCloned: noted('cloned'),
    draft: noted('draft'),
    onUnitStarted: noted('unit'),
    listenPath: '',
    preserved: 0,
    onHostHooks: noted('hooks'),
    onTerminal: noted('terminal'),
    onShortfall: noted('shortfall'),
  };
}

t.test('a helper that should wait for its unit and says something else is not believed', async (t) => {
  for (const said of [record(3), record(7, { value: 40 }), record(2, { value: WAIT.hooks }), record(2), record(99)]) {
    const calls: string[] = [];
    const native = {
      launch: () => [40, 100, -1],
      receive: () => said,
      stat: () => [],
      close: () => 0,
      signalProcess: (pid: number) => calls.push(`kill ${pid}`),
      waitChild: (pid: number) => calls.push(`wait ${pid}`),
    } as unknown as Native;
    const withUnit = { ...plan, stage: [], init: [{ op: 'await_unit', from: 'default' }], unit: {} } as unknown as Plan;
    t.throws(() => launch(native, withUnit, noting(calls)), { message: /^a process of a container interferes/ });
    t.strictSame(calls, ['cloned', 'kill 40', 'wait 40']);
  }
});

t.test('steps after the clone of init are done once, by the first attempt that reaches them', async (t) => {
  t.strictSame(attempts(ready), ['cloned', 'draft', '50']);
  t.strictSame(attempts(stageFailed, ready), ['cloned', 'draft', '50'], 'of the first there is no init');
  t.strictSame(attempts(joinFailed, ready), ['cloned', 'draft', 'draft', '50']);
});
