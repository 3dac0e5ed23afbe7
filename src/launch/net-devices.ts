import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_RDONLY } from '../kernel/open-flags.ts';
import type { Plan } from '../plan/plan.ts';
import { encodeProgram } from './encode.ts';
import { hostFailure, runHostOps } from './host-ops.ts';

/** Devices that left the host, and a descriptor that keeps their namespace alive even if init ends. */
export interface MovedDevices {
  readonly devices: Plan['netDevices'];
  readonly namespace: number;
}

/** Moves the planned devices to the network namespace of init. A failure moves those before it back. */
export function moveNetDevices(native: Native, { netDevices }: Plan, pid: number): MovedDevices | undefined {
  if (netDevices.length === 0) return undefined;
  const path = `/proc/${String(pid)}/ns/net`;
  const namespace = native.open(path, O_RDONLY, 0);
  if (namespace < 0) throw systemFailure('launch.namespace', `cannot open "${path}"`, 'open', namespace);
  const devices = netDevices.map((op) => ({ ...op, state: stateOf(native, op.name) }));
  const failed = runHostOps(
    native,
    netDevices.map((op) => ({ ...op, namespace: path })),
  );
  if (failed === undefined) return { devices, namespace };
  returnNetDevices(native, { devices: devices.slice(0, failed.index), namespace });
  throw hostFailure(native, failed);
}

/** Empty if the device cannot be read: moving it reports the cause. */
function stateOf(native: Native, name: string): Uint8Array {
  const state = native.netDeviceState(name);
  return typeof state === 'number' ? new Uint8Array() : new Uint8Array(state);
}

/** Called if the container is not created: a virtual device would be destroyed with its namespace. */
export function returnNetDevices(native: Native, moved: MovedDevices | undefined): void {
  if (moved === undefined) return;
  const namespace = `/proc/self/fd/${String(moved.namespace)}`;
  // One by one: one device's failure must not affect the others.
  for (const op of moved.devices) native.runProgram(encodeProgram([{ ...op, namespace, back: 1 }]));
  native.close(moved.namespace);
}

/** Called once the container is created: the devices stay in its namespace. */
export function leaveNetDevices(native: Native, moved: MovedDevices | undefined): void {
  if (moved !== undefined) native.close(moved.namespace);
}
