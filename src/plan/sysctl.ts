import type { Config } from '../../schema/generated/config.ts';
import type { PlannedOp } from './types.ts';

export function sysctlOps(config: Config): PlannedOp[] {
  const entries = Object.entries(config.linux?.sysctl ?? {});
  return entries.map(([name, value]) => ({
    op: 'sysctl',
    path: `sys/${sysctlPath(name)}`,
    value,
    from: `/linux/sysctl/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  }));
}

/** As sysctl(8): where the first separator is a slash, a dot is part of a name (`net/ipv4/conf/eth0.1/forwarding`). */
export function sysctlPath(name: string): string {
  const slash = name.indexOf('/');
  const dot = name.indexOf('.');
  return slash >= 0 && (dot < 0 || slash < dot) ? name : name.split('.').join('/');
}

export function nameOps(config: Config): PlannedOp[] {
  const ops: PlannedOp[] = [];
  const { hostname, domainname } = config;
  if (hostname) ops.push({ op: 'set_hostname', name: hostname, from: '/hostname' });
  if (domainname) ops.push({ op: 'set_domainname', name: domainname, from: '/domainname' });
  return ops;
}
