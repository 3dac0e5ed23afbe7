import type { Config, NamespaceType } from '../../schema/generated/config.ts';
import { sysctlNamespace, sysctlPath } from '../bundle/sysctl.ts';

/**
 * The effect that a config would have on the host if a namespace that it joins by path turned out to be the runtime's
 * own; '' for none. The namespace behind a path is known only after it is opened.
 */
export function needOfSeparation(config: Config, type: NamespaceType): string {
  const { sysctl = {} } = config.linux ?? {};
  const parameter = Object.keys(sysctl).find((name) => sysctlNamespace(sysctlPath(name) ?? '') === type);
  if (parameter !== undefined) return `sysctl ${JSON.stringify(parameter)} would change the host`;
  switch (type) {
    case 'mount':
      return 'the root of the host would be replaced';
    case 'user':
      return 'the kernel refuses to join it again';
    case 'uts':
      return config.hostname || config.domainname ? 'the name of the host would change' : '';
    case 'cgroup':
      return (config.mounts ?? []).some((mount) => mount.type === 'cgroup')
        ? 'a mount of type cgroup would show the cgroups of the host'
        : '';
    case 'ipc':
    case 'network': // moving linux.netDevices detects that they would stay in it
    case 'pid':
    case 'time':
      return '';
  }
}
