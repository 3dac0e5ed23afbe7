import type { Config } from '../../schema/generated/config.ts';
import { isNew } from '../bundle/namespaces.ts';
import { sysctlPath } from '../bundle/sysctl.ts';
import { pointerPart } from '../diag/pointer.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf } from './user-namespace.ts';

export function sysctlOps(config: Config): PlannedOp[] {
  const entries = Object.entries(config.linux?.sysctl ?? {});
  // A procfs shows a pid namespace, and only the owner of that may make one.
  const host = userNamespaceOf(config) !== 'runtime' && !isNew(config, 'pid');
  return entries.map(([name, value]) => ({
    op: 'sysctl',
    // Checked by the rules of the bundle.
    path: `sys/${sysctlPath(name) ?? name}`,
    value,
    host: Number(host),
    from: `/linux/sysctl/${pointerPart(name)}`,
  }));
}

export function nameOps(config: Config): PlannedOp[] {
  const ops: PlannedOp[] = [];
  const { hostname, domainname } = config;
  if (hostname) ops.push({ op: 'set_hostname', name: hostname, from: '/hostname' });
  if (domainname) ops.push({ op: 'set_domainname', name: domainname, from: '/domainname' });
  return ops;
}
