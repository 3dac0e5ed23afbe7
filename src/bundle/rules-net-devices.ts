import type { Config } from '../../schema/generated/config.ts';
import { pointerPart, shown } from '../diag/pointer.ts';
import type { Report, Rule } from './rule.ts';

/** IFNAMSIZ - 1 of linux/if.h. */
const longestName = 15;

export const netDeviceRules: readonly Rule[] = [netDevices];

/** config-linux.md, "Network Devices". */
function netDevices(config: Config, report: Report): void {
  const devices = Object.entries(config.linux?.netDevices ?? {});
  if (devices.length === 0) return;
  const taken = new Set<string>();
  for (const [name, device] of devices) {
    const pointer = `/linux/netDevices/${pointerPart(name)}`;
    deviceName(name, `the name of linux.netDevices[${shown(name)}]`, pointer, report);
    const next = device?.name ?? '';
    if (next !== '') deviceName(next, `linux.netDevices[${shown(name)}].name`, `${pointer}/name`, report);
    const inside = next === '' ? name : next;
    if (taken.has(inside)) {
      report('network.device', pointer, `two of linux.netDevices would be named ${shown(inside)} in the container`);
    }
    taken.add(inside);
  }
}

/** Names that the kernel accepts, dev_valid_name(), except those with %, which it would use to number devices. */
function deviceName(name: string, subject: string, pointer: string, report: Report): void {
  const isUsable = name !== '' && name !== '.' && name !== '..' && !/[\s/:%]/.test(name);
  if (isUsable && name.length <= longestName) return;
  const message = `${subject} must be the name of a network device, found ${shown(name)}`;
  const hint = `1 to ${longestName} characters without spaces and / : %`;
  report('network.device', pointer, message, hint);
}
