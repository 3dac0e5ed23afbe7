import type { Config } from '../../schema/generated/config.ts';
import { shown } from '../diag/pointer.ts';
import type { Report, Rule } from './rule.ts';
import { each } from './rule.ts';

/** Names reserved by resctrl, Documentation/filesystems/resctrl. */
const reserved: readonly string[] = ['info', 'mon_groups', 'mon_data'];

const longestName = 255;

export const resctrlRules: readonly Rule[] = [intelRdt];

/** config-linux.md, "IntelRdt". */
function intelRdt({ linux }: Config, report: Report): void {
  const values = linux?.intelRdt;
  if (values === undefined) return;
  const place = '/linux/intelRdt';
  const { closID, l3CacheSchema, schemata } = values;
  if (closID !== undefined && closID !== '' && !isGroupName(closID)) {
    const message = `linux.intelRdt.closID must be the name of a resctrl group, found ${shown(closID)}`;
    report('resctrl.group', `${place}/closID`, message, `one directory name, not ${reserved.join(', ')}`);
  }
  if (l3CacheSchema !== undefined) {
    for (const line of l3CacheSchema.split('\n')) {
      if (line.trim() === '' || !line.trim().startsWith('MB:')) continue;
      const message = 'linux.intelRdt.l3CacheSchema must not have MB: lines';
      report('resctrl.schema', `${place}/l3CacheSchema`, message, 'write them in linux.intelRdt.memBwSchema');
      break;
    }
  }
  each(schemata, (line, index) => {
    if (/^\s*[^\s:]+:[^\n]*$/.test(line)) return;
    const message = `linux.intelRdt.schemata[${index}] must be one line NAME:VALUES, found ${shown(line)}`;
    report('resctrl.schema', `${place}/schemata/${index}`, message, 'such as L3:0=ff;1=ff');
  });
}

function isGroupName(name: string): boolean {
  if (name === '.' || name === '..' || name.includes('/') || name.includes('\n')) return false;
  return name.length <= longestName && !reserved.includes(name) && !name.startsWith('mon_');
}
