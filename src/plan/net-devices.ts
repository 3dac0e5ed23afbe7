import type { Config } from '../../schema/generated/config.ts';
import { hasNamespace } from '../bundle/namespaces.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { pointerPart } from '../diag/pointer.ts';
import type { PlannedOp } from './types.ts';

const noState = new Uint8Array();

/** Host devices that move to the container's network namespace (runtime-spec config-linux.md, netDevices). */
export function netDeviceOps(config: Config, faults: Diagnostic[]): (PlannedOp & { op: 'net_device' })[] {
  const devices = config.linux?.netDevices ?? {};
  if (Object.keys(devices).length > 0 && !hasNamespace(config, 'network')) {
    faults.push({
      code: 'namespace.devices',
      message: 'unable to move network devices without a private NET namespace',
      pointer: '/linux/netDevices',
      hint: 'add {"type": "network"} to linux.namespaces',
    });
  }
  return Object.entries(devices).map(([name, { name: newName = '' }]) => ({
    op: 'net_device',
    namespace: '',
    name,
    newName: newName === '' ? name : newName,
    back: 0,
    state: noState,
    from: `/linux/netDevices/${pointerPart(name)}`,
  }));
}
