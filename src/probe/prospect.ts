import type { Config, Mount } from '../../schema/generated/config.ts';
import { capabilityMask } from '../bundle/capabilities.ts';
import { isNew, joinedPath } from '../bundle/namespaces.ts';
import { lookAhead } from '../diag/look.ts';
import type { Mounted, Prospect, Rights } from '../diag/look.ts';
import type { Native } from '../host/native.ts';

/**
 * What a process of the config will see in the root filesystem at `root`, a path of the host; mounts are added later.
 * `hasRights`: whether what decides on its rights is known; if not, nothing counts as refused.
 */
export function prospectOf(native: Native, config: Config, root: string, hasRights: boolean): Prospect {
  return lookAhead(native, root, hasRights ? rightsOf(config) : undefined);
}

/** Every id, as far as there is no new user namespace. */
const allIds = [{ containerID: 0, hostID: 0, size: 2 ** 32 }];

/** With the rights with which the kernel looks up the program; undefined in a user namespace that exists already. */
function rightsOf(config: Config): Rights | undefined {
  const { process, linux } = config;
  if (joinedPath(config, 'user') !== undefined) return undefined;
  const { uid = 0, gid = 0, additionalGids = [] } = process?.user ?? {};
  const isMapped = isNew(config, 'user');
  const uids = isMapped ? (linux?.uidMappings ?? []) : allIds;
  const gids = isMapped ? (linux?.gidMappings ?? []) : allIds;
  const { effective = [], permitted = [] } = process?.capabilities ?? {};
  return {
    uid: onHost(uids, uid),
    gid: onHost(gids, gid),
    groups: additionalGids.map((group) => onHost(gids, group)),
    capabilities: capabilityMask(effective) & capabilityMask(permitted),
    mapped: uids.map(({ hostID, size }) => [hostID, size]),
  };
}

function onHost(mappings: typeof allIds, id: number): number {
  const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return found === undefined ? -1 : found.hostID + id - found.containerID;
}

export function isBind({ type, options = [] }: Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

/** The path of a bind source on the host. */
export function sourceOf({ source = '' }: Mount, bundle: string): string {
  return source.startsWith('/') ? source : `${bundle}/${source}`;
}

/** `fillable`: hooks may put files into what is mounted. */
export function mountedOf(mount: Mount, bundle: string, fillable: boolean): Mounted {
  const { destination, type, options = [], uidMappings } = mount;
  const word = options.findLast((option) => option === 'exec' || option === 'noexec');
  // On an id-mapped mount the owners are others.
  const isMapped = uidMappings !== undefined || options.includes('idmap') || options.includes('ridmap');
  return {
    source: isBind(mount) && !isMapped ? sourceOf(mount, bundle) : undefined,
    noexec: word === undefined ? undefined : word === 'noexec',
    // The runtime makes devices in /dev.
    isEmpty: type === 'tmpfs' && !options.includes('tmpcopyup') && destination !== '/dev' && !fillable,
  };
}

/** Whether there are hooks that can enter the mount namespace before the program runs. */
export function hasFillingHooks({ hooks = {} }: Config): boolean {
  const { prestart = [], createRuntime = [], createContainer = [], startContainer = [] } = hooks;
  return [prestart, createRuntime, createContainer, startContainer].some((list) => list.length > 0);
}
