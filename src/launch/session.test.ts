import t from 'tap';
import type { Native } from '../host/native.ts';
import type { Plan, PlannedOp } from '../plan/types.ts';
import { launch } from './session.ts';

const ENOENT = 2;
const join: PlannedOp = { op: 'cgroup_join', file: '/sys/fs/cgroup/pids/c1/tasks', from: '/linux/cgroupsPath' };
const plan: Plan = {
  stage: [join],
  init: [join],
  host: [],
  awaited: [],
  limits: [],
  limitsAwaited: false,
  cloneFlags: 0,
  cloneCgroup: '',
  netDevices: [],
  cgroup: { manager: 'cgroupfs', version: 1, directories: ['/sys/fs/cgroup/pids/c1'] },
} as unknown as Plan;

const call = new TextEncoder().encode('openat2');
/** A record of the helper (native/helper/record.h). */
function record(kind: number, errno = 0): ArrayBuffer {
  const bytes = new Uint8Array(24 + call.length);
  new Uint32Array(bytes.buffer, 0, 6).set([kind, 0, errno, 0, call.length, 0]);
  bytes.set(call, 24);
  return bytes.buffer;
}
const ready = record(3);
const joinFailed = record(1, ENOENT);
const stageFailed = record(7, ENOENT);

/** Launches with a helper that says this, one attempt after the other. */
function attempts(...said: readonly ArrayBuffer[]): string[] {
  const calls: string[] = [];
  let attempt = -1;
  const native = {
    launch: () => {
      attempt++;
      // A stage that fails has no init.
      return [said[attempt] === stageFailed ? 0 : 40 + attempt, 100, -1];
    },
    receive: () => said[attempt] as ArrayBuffer,
    runProgram: () => [],
    stat: () => [],
    close: () => 0,
    signalProcess: () => 0,
    waitChild: () => 0,
  } as unknown as Native;
  const noted = (name: string) => (): void => void calls.push(name);
  const { pid } = launch(native, plan, {
    onCgroups: noted('cgroups'),
    onCloned: noted('cloned'),
    onBorn: noted('born'),
    listenPath: '',
    preserved: 0,
    onHostHooks: noted('hooks'),
    onTerminal: noted('terminal'),
  });
  return [...calls, String(pid)];
}

t.test('what is done once init was cloned is done once, by the first attempt that gets so far', async (t) => {
  t.strictSame(attempts(ready), ['cloned', 'born', '40']);
  t.strictSame(attempts(stageFailed, ready), ['cloned', 'born', '41'], 'the first was not cloned');
  t.strictSame(attempts(joinFailed, ready), ['cloned', 'born', 'born', '41']);
});
