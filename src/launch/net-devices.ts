import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_RDONLY } from '../kernel/open-flags.ts';
import type { Plan } from '../plan/plan.ts';
import { encodeProgram } from './encode.ts';
import { hostFailure, runHostOps } from './host-ops.ts';

/** Devices that left the host, and the descriptor that keeps their namespace whatever becomes of init. */
export interface MovedDevices {
  readonly devices: Plan['netDevices'];
  readonly namespace: number;
}

/** Moves the devices of the plan to the namespace of init. When one cannot be moved, those before it come back. */
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

/** Nothing of a device that cannot be read: moving it will say why. */
function stateOf(native: Native, name: string): Uint8Array {
  const state = native.netDeviceState(name);
  return typeof state === 'number' ? new Uint8Array() : new Uint8Array(state);
}

/** For a container that does not come to be: with its namespace, a virtual device would end. */
export function returnNetDevices(native: Native, moved: MovedDevices | undefined): void {
  if (moved === undefined) return;
  const namespace = `/proc/self/fd/${String(moved.namespace)}`;
  // One by one: what has become of one device says nothing about the others.
  for (const op of moved.devices) native.runProgram(encodeProgram([{ ...op, namespace, back: 1 }]));
  native.close(moved.namespace);
}

/** The container has come to be: the devices stay with its namespace. */
export function leaveNetDevices(native: Native, moved: MovedDevices | undefined): void {
  if (moved !== undefined) native.close(moved.namespace);
}
