import type { Config, NamespaceType } from '../../schema/generated/config.ts';
import { sysctlNamespace, sysctlPath } from '../bundle/sysctl.ts';

/**
 * What of a config would reach the host if a namespace that it joins by a path turned out to be the runtime's own, under
 * whatever name; '' for nothing. Which namespace a path leads to is known when it is opened, not before.
 */
export function needOfSeparation(config: Config, type: NamespaceType): string {
  const { sysctl = {} } = config.linux ?? {};
  const parameter = Object.keys(sysctl).find((name) => sysctlNamespace(sysctlPath(name) ?? '') === type);
  if (parameter !== undefined) return `sysctl ${JSON.stringify(parameter)} would change the host`;
  switch (type) {
    case 'mount':
      return 'the root of the host would be replaced';
    case 'user':
      return 'the kernel does not enter that again';
    case 'uts':
      return config.hostname || config.domainname ? 'the host would be given another name' : '';
    case 'cgroup':
      return (config.mounts ?? []).some((mount) => mount.type === 'cgroup')
        ? 'a mount of type cgroup would show the cgroups of the host'
        : '';
    case 'ipc':
    case 'network': // that linux.netDevices stay in it is found when they are moved
    case 'pid':
    case 'time':
      return '';
  }
}
