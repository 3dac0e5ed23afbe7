import type { Config, Mount } from '../../schema/generated/config.ts';
import { MOUNT_BIND_FLAGS, MOUNT_FILESYSTEM_FLAGS } from '../../schema/generated/ops.ts';
import { mountContext } from '../bundle/annotations.ts';
import { hasNamespace, isNew } from '../bundle/namespaces.ts';
import { isBelow, normalizePath } from '../bundle/path.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { MOUNT_ATTR } from '../kernel/mounts.ts';
import { cgroupSlot } from './cgroup/mount.ts';
import { versionOf } from './cgroup/version.ts';
import { asksForIdmap, checkIdmap, idmapOf, refuseIdmap } from './idmap.ts';
import {
  attributesOfNew,
  clearedInBind,
  optionsIn,
  parseMountOptions,
  refuseFilesystemOptions,
} from './mount-options.ts';
import type { MountOptions } from './mount-options.ts';
import { hostRoot } from './rootfs.ts';
import { attributesLeft } from './stage.ts';
import type { Attributes, NewFilesystem, Stage } from './stage.ts';
import type { CgroupRecord } from './cgroup/record.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf } from './user-namespace.ts';

export interface MountPlan {
  /** In the order of the config. */
  readonly mounts: PlannedOp[];
  /** Makes new filesystems read-only, after everything in them has been made. */
  readonly afterwards: PlannedOp[];
  readonly warnings: Diagnostic[];
  /** /dev is that of the host, so no nodes are made in it. */
  readonly devIsOfHost: boolean;
}

interface State extends MountPlan {
  readonly config: Config;
  readonly stage: Stage;
  readonly pidSlot: number;
  devIsOfHost: boolean;
}

/** The mounts of the config, each resolved below the root and attached by descriptor. */
export function mountOps(
  config: Config,
  facts: Facts,
  bundle: string,
  cgroup: CgroupRecord,
  stage: Stage,
  pidSlot: number,
  faults: Diagnostic[],
): MountPlan {
  const devIsOfHost = hostRoot(config, bundle) === '/';
  const state: State = { mounts: [], afterwards: [], warnings: [], devIsOfHost, config, stage, pidSlot };
  checkLabel(config, facts, faults);
  (config.mounts ?? []).forEach((mount, index) => {
    const from = `/mounts/${String(index)}`;
    const destination = normalizePath(mount.destination);
    const options = parseMountOptions(mount.options ?? [], mount.type === 'bind', from, faults);
    state.warnings.push(...options.warnings);
    if (options.bind) addBind(state, mount, destination, options, facts, bundle, from, faults);
    else if (mount.type === 'cgroup') {
      refuseOtherTypes(mount, options, from, faults);
      if (asksForIdmap(mount, options.idmap)) refuseIdmap(mount, from, faults);
      refuseFilesystemOptions(
        options,
        mount.options ?? [],
        from,
        'a mount of type cgroup has no filesystem-specific options',
        faults,
      );
      state.mounts.push(
        ...versionOf(facts.cgroups).mount({ config, facts, cgroup, destination, options, stage, from }),
      );
      addPropagation(state, options, cgroupSlot, from);
    } else addFilesystem(state, mount, destination, options, facts, from, faults);
  });
  return state;
}

function addBind(
  state: State,
  mount: Mount,
  destination: string,
  options: MountOptions,
  facts: Facts,
  bundle: string,
  from: string,
  faults: Diagnostic[],
): void {
  const { source } = mount;
  if (source === undefined || source === '') {
    faults.push({
      code: 'mount.source',
      message: `cannot bind on "${mount.destination}": the mount has no source`,
      pointer: from,
    });
    return;
  }
  if (destination === '/dev') state.devIsOfHost = true;
  const path = source.startsWith('/') ? source : `${bundle}/${source}`;
  const inside = options.nofollow?.source === true ? undefined : pathInEarlierMount(state.config, path, bundle, from);
  // Only a path of the host can be looked up now.
  const onHost = inside === undefined && state.stage.openInRoot !== undefined;
  const link = options.copyLink === true && onHost ? facts.linkAt(path) : undefined;
  if (link !== undefined) {
    state.mounts.push({ op: 'make_link', path: destination, target: link, exact: 1, from });
    return;
  }
  // A source with copy-symlink that has become a link since then must not be followed, either.
  const nofollow = options.nofollow?.source === true || options.copyLink === true;
  const idmap = idmapOf(state.config, mount, options.idmap, from, faults);
  checkIdmap(state.config, mount, idmap, facts, from, faults);
  // In a user namespace the flags of the host's mounts stay, unless a word clears them.
  const clear = ownsHostMounts(state.config, facts) ? clearedInBind(options) : options.clear;
  const { set, recursiveSet, recursiveClear } = options;
  const attributes: Attributes = { set, clear, recursiveSet, recursiveClear };
  const how = { recursive: options.recursiveBind, nofollow, idmap, attributes };
  if (inside !== undefined && idmap !== undefined && userNamespaceOf(state.config) !== 'runtime') {
    faults.push({
      code: 'mount.idmap',
      message: `cannot idmap the mount on "${mount.destination}": its source is in an earlier mount, made with the rights of the user namespace of the container`,
      pointer: `${from}/source`,
      hint: 'give the path below the source of that mount',
    });
  }
  const opened = inside === undefined ? undefined : state.stage.openInRoot?.(inside, how, from);
  const tree = opened?.slot ?? state.stage.openTree(path, how, from);
  state.mounts.push(...(opened?.ops ?? []));
  const slot = options.propagation.length > 0 ? tree || state.stage.nextSlot() : 0;
  state.mounts.push({
    op: 'mount_bind',
    slot,
    source: path,
    destination,
    ...attributesLeft(state.stage, tree, attributes),
    flags: bindFlags(options, nofollow, destination),
    tree,
    from,
  });
  addPropagation(state, options, slot, from);
}

function bindFlags({ recursiveBind, nofollow }: MountOptions, keepsLink: boolean, destination: string): number {
  return (
    (recursiveBind ? MOUNT_BIND_FLAGS.recursive : 0) |
    (keepsLink ? MOUNT_BIND_FLAGS.sourceNofollow : 0) |
    (nofollow?.destination === true ? MOUNT_BIND_FLAGS.destinationNofollow : 0) |
    (destination === '/proc' ? MOUNT_BIND_FLAGS.needsProcfs : 0) |
    (mayCoverProc(destination) ? MOUNT_BIND_FLAGS.mayCoverProc : 0)
  );
}

/** A source in the root filesystem, where an earlier mount of the config covers it: its path in the container. */
function pathInEarlierMount(config: Config, source: string, bundle: string, from: string): string | undefined {
  const root = hostRoot(config, bundle);
  const path = normalizePath(source);
  if (!isBelow(path, root)) return undefined;
  const inside = path.slice(root === '/' ? 0 : root.length);
  const earlier = (config.mounts ?? []).slice(0, Number(from.slice('/mounts/'.length)));
  const covers = earlier.some(({ destination }) => {
    const at = normalizePath(destination);
    return inside === at || isBelow(inside, at);
  });
  return covers ? inside : undefined;
}

function ownsHostMounts(config: Config, facts: Facts): boolean {
  return userNamespaceOf(config) === 'runtime' && facts.user.initial;
}

function addFilesystem(
  state: State,
  mount: Mount,
  destination: string,
  options: MountOptions,
  facts: Facts,
  from: string,
  faults: Diagnostic[],
): void {
  const { type } = mount;
  // Only with the option remount, which is refused.
  if (type === undefined || type === '') return;
  if (destination === '/dev') state.devIsOfHost = false;
  const plain = type === 'proc' || type === 'sysfs';
  // Devices and mount points are made in it later, so it becomes read-only afterwards, by descriptor.
  const attributes = attributesOfNew(options);
  const later = type === 'tmpfs' && (attributes & MOUNT_ATTR.RDONLY) !== 0;
  const slot = later || options.propagation.length > 0 ? state.stage.nextSlot() : 0;
  refuseOtherTypes(mount, options, from, faults);
  if (asksForIdmap(mount, options.idmap)) refuseIdmap(mount, from, faults);
  const data = options.data.flatMap(optionsIn);
  const hasMode = data.some((word) => word.startsWith('mode='));
  const hasOwner = data.some((word) => word.startsWith('uid=') || word.startsWith('gid='));
  const ownFlags = options.ofNewFilesystem.reduce((all, one) => all | one.flags, 0);
  const flags = options.filesystemFlags.filter((flag) => flag !== 'i_version' || type !== 'tmpfs');
  const op = {
    op: 'mount_filesystem' as const,
    slot,
    destination,
    type,
    source: mount.source ?? type,
    options: [...flags, ...data, ...labelOption(state.config, type)],
    attributes: later ? attributes & ~MOUNT_ATTR.RDONLY : attributes,
    flags:
      (plain ? MOUNT_FILESYSTEM_FLAGS.plainDirectory : 0) |
      (type === 'tmpfs' && !hasMode ? MOUNT_FILESYSTEM_FLAGS.inheritMode : 0) |
      (ownFlags & (hasOwner ? ~MOUNT_FILESYSTEM_FLAGS.inheritOwner : -1)) |
      (mayCoverProc(destination) ? MOUNT_FILESYSTEM_FLAGS.mayCoverProc : 0),
    pidNamespace: type === 'proc' ? state.pidSlot : 0,
    tree: 0,
    from,
  };
  op.tree = openDevice(state, op, destination, facts, from, faults);
  state.mounts.push(op);
  if (later) {
    state.afterwards.push({ op: 'mount_attributes', slot, set: MOUNT_ATTR.RDONLY, clear: 0, recursive: 0, from });
  }
  addPropagation(state, options, slot, from);
}

/**
 * A filesystem on a block device is made before the device rules of the container hold; 0 for any other: a procfs, for
 * example, would show the processes of the host. Read-only it must not write to the device either.
 */
function openDevice(
  { config, stage }: State,
  filesystem: NewFilesystem,
  destination: string,
  facts: Facts,
  from: string,
  faults: Diagnostic[],
): number {
  const { type, source, options, attributes } = filesystem;
  if (!source.startsWith('/') || !facts.isBlockDevice(source) || !facts.usesDevice(type)) return 0;
  if (!ownsHostMounts(config, facts)) {
    faults.push({
      code: 'mount.device',
      message: `cannot mount ${type} on "${destination}": only root of the host may mount the block device "${source}", not that of a user namespace`,
      pointer: from,
      hint: 'mount it on the host, and bind that directory with the option rbind',
    });
  }
  // In a mount namespace that is joined, the path is that of a file in there.
  if (hasNamespace(config, 'mount') && !isNew(config, 'mount')) return 0;
  const readOnly = (attributes & MOUNT_ATTR.RDONLY) !== 0 ? ['ro'] : [];
  return stage.openFilesystem({ type, source, attributes, options: [...readOnly, ...options] }, from);
}

/** The rules of the bundle check destinations that are textually in /proc, and allow a few; no other may lead there. */
function mayCoverProc(destination: string): boolean {
  return destination === '/proc' || destination.startsWith('/proc/');
}

function addPropagation(state: State, options: MountOptions, slot: number, from: string): void {
  for (const { type, recursive } of options.propagation) {
    state.mounts.push({ op: 'mount_propagation', slot, type, recursive: Number(recursive), from });
  }
}

/** Filesystems whose files have their own labels (selinux(8)). */
const selfLabelled: readonly string[] = ['proc', 'sysfs', 'mqueue', 'cgroup', 'cgroup2'];

function labelOption(config: Config, type: string): string[] {
  const label = config.linux?.mountLabel ?? '';
  return label === '' || selfLabelled.includes(type) ? [] : [`${mountContext(config)}=${label}`];
}

function checkLabel(config: Config, facts: Facts, faults: Diagnostic[]): void {
  if ((config.linux?.mountLabel ?? '') === '' || facts.hasSelinux) return;
  faults.push({
    code: 'selinux.mount',
    message: 'linux.mountLabel is specified in config, but selinux is disabled or not supported',
    pointer: '/linux/mountLabel',
    hint: 'remove it, or boot the host with SELinux',
  });
}

function refuseOtherTypes(
  { destination, type = '' }: Mount,
  options: MountOptions,
  from: string,
  faults: Diagnostic[],
): void {
  for (const entry of options.ofNewFilesystem) {
    if (entry.type === type) continue;
    faults.push({
      code: 'mount.option.type',
      message: `cannot apply "${entry.word}" to the mount on "${destination}": it is of type ${type}`,
      pointer: from,
      hint: `the option ${entry.word} is for the type ${entry.type}`,
    });
  }
}
