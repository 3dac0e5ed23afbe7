import type { Config } from '../../schema/generated/config.ts';
import type { PlannedOp } from './types.ts';

/** Devices of the host that move to the container's network namespace (runtime-spec config-linux.md, netDevices). */
export function netDeviceOps(config: Config): (PlannedOp & { op: 'net_device' })[] {
  return Object.entries(config.linux?.netDevices ?? {}).map(([name, { name: newName = '' }]) => ({
    op: 'net_device',
    namespace: '',
    name,
    newName: newName === '' ? name : newName,
    back: 0,
    from: `/linux/netDevices/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  }));
}
