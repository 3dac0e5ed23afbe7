import type { Config } from '../../schema/generated/config.ts';
import { seccompReceiver } from '../bundle/annotations.ts';
import { hasNamespace, joinedPath } from '../bundle/namespaces.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { MOUNT_ATTR } from '../kernel/mounts.ts';
import { nodeAttributes } from './devices.ts';
import type { Plan } from './plan.ts';
import { readOnlyRoot } from './rootfs.ts';
import { userNamespaceOf } from './user-namespace.ts';

/** A mount of the container that its config lists. */
export interface PlannedMount {
  /** In the container; as in config.json, where it may lead through symbolic links, or resolved. */
  readonly path: string;
  readonly kind: 'root' | 'filesystem' | 'bind' | 'device' | 'mask' | 'readonly' | 'console';
  /** Of a new filesystem. */
  readonly type?: string;
  /** A mount from the host: its path there, and its name in the images. */
  readonly external?: { readonly key: string; readonly source: string };
  /** MOUNT_ATTR_RDONLY, NOSUID, NODEV and NOEXEC, the required ones. */
  readonly flags: number;
}

/** Name of the container's cgroup in the images, if it is a mount from the host. */
const cgroupKey = 'rt-cgroup';
/** Name of a masked file in the images. */
export const nullKey = 'rt-null';
/** Types of joined namespaces that are part of the images as external ones, by their names there. */
export const externalNamespaces = { network: 'rt-net', pid: 'rt-pid' } as const;
/** Types of joined namespaces that are not part of the images: criu is in them as well, so processes inherit them. */
export const inheritedNamespaces = ['ipc', 'uts'] as const;

const protective = MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC;

/**
 * Every mount of the plan. rt assigns the names of external mounts; a path from an image could have a meaning on the
 * host.
 */
export function plannedMounts(config: Config, { init, cgroup }: Plan): PlannedMount[] {
  const readonly = readOnlyRoot(config) === undefined ? 0 : MOUNT_ATTR.RDONLY;
  const mounts: PlannedMount[] = [{ path: '/', kind: 'root', flags: readonly }];
  let count = 0;
  for (const op of init) {
    if (op.op === 'mount_filesystem') {
      // Filesystems that become read-only at the end are so by an op of their own.
      const later = init.some((one) => one.op === 'mount_attributes' && one.slot !== 0 && one.slot === op.slot);
      const flags = (Number(op.attributes) & protective) | (later ? MOUNT_ATTR.RDONLY : 0);
      // criu makes the cgroup namespace outside of the user namespace, which may therefore not mount its cgroups.
      const source =
        op.type === 'cgroup2' && userNamespaceOf(config) === 'new' ? cgroup.hierarchies[0]?.directory : undefined;
      const external = source === undefined ? {} : { external: { key: cgroupKey, source } };
      mounts.push({ path: op.destination, kind: 'filesystem', type: op.type, ...external, flags });
    } else if (op.op === 'mount_bind') {
      const external = { key: `rt-bind-${count++}`, source: op.source };
      const flags = (Number(op.set) | Number(op.recursiveSet)) & protective;
      mounts.push({ path: op.destination, kind: 'bind', external, flags });
    } else if (op.op === 'bind_device') {
      const external = { key: `rt-bind-${count++}`, source: op.source };
      mounts.push({ path: op.path, kind: 'device', external, flags: nodeAttributes.set });
    } else if (op.op === 'mask_path') {
      mounts.push({ path: op.path, kind: 'mask', flags: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC });
    } else if (op.op === 'readonly_path') {
      mounts.push({ path: op.path, kind: 'readonly', flags: MOUNT_ATTR.RDONLY });
    } else if (op.op === 'console') {
      mounts.push({ path: op.path, kind: 'console', flags: 0 });
    }
  }
  return mounts;
}

/** Reasons why a container with this config cannot be checkpointed and restored. */
export function checkpointFaults(config: Config): Diagnostic[] {
  const faults: Diagnostic[] = [];
  const { namespaces = [], seccomp, netDevices, intelRdt } = config.linux ?? {};
  const refuse = (pointer: string, message: string): void => {
    faults.push({ code: 'checkpoint.unsupported', pointer, message: `cannot checkpoint a container ${message}` });
  };
  for (const type of ['pid', 'mount'] as const) {
    if (!hasNamespace(config, type)) refuse('/linux/namespaces', `without its own ${type} namespace`);
  }
  namespaces.forEach(({ type, path }, index) => {
    if (path && (type === 'user' || type === 'mount' || type === 'cgroup' || type === 'time')) {
      refuse(`/linux/namespaces/${String(index)}/path`, `that joins a ${type} namespace`);
    }
  });
  const receiver = seccompReceiver(config);
  if (seccomp !== undefined && receiver.path !== '') refuse(receiver.from, 'whose system calls are watched');
  // They may still be there, or not: it outlives the container.
  if (Object.keys(netDevices ?? {}).length > 0 && joinedPath(config, 'network') !== undefined) {
    refuse('/linux/netDevices', 'that has moved network devices to a namespace which it joins');
  }
  if (intelRdt !== undefined) refuse('/linux/intelRdt', 'that is in a resctrl group');
  (config.mounts ?? []).forEach(({ destination }, index) => {
    if (isPlain(destination)) return;
    // CRIU parses `mnt[DESTINATION]:KEY`, so such a name could denote another mount.
    const shown = JSON.stringify(destination);
    refuse(`/mounts/${String(index)}/destination`, `with a mount on ${shown}: it has a bracket or a control character`);
  });
  return faults;
}

function isPlain(path: string): boolean {
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code < 0x20 || code === 0x7f || path[index] === '[' || path[index] === ']') return false;
  }
  return true;
}
