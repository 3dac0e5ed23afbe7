import type { Config, IdMapping, NamespaceType } from '../../schema/generated/config.ts';
import { hasNamespace, joinedPath, namespacePointer } from '../bundle/namespaces.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { printable } from '../diag/printable.ts';
import { expectIfPresent, expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { capabilityMask } from '../bundle/capabilities.ts';
import { inheritedNamespaces, nullKey } from '../plan/checkpoint.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import type { Plan } from '../plan/plan.ts';
import { mapText, userNamespaceOf } from '../plan/user-namespace.ts';
import { hostPath } from './destinations.ts';
import { damaged, messageIn, messagesIn, readImage, readSingle } from './images.ts';
import type { ImageDirectory } from './images.ts';
import { byteText, bytesOf, isTrue, numberOf, numbersOf, textOf } from './protobuf.ts';
import type { Message } from './protobuf.ts';
import { limitDifferences } from './verify-limits.ts';

/** The new container, with which the images are compared. */
export interface Expected {
  readonly config: Config;
  readonly plan: Plan;
  readonly mounts: readonly PlannedMount[];
  /** Path on the host. */
  readonly rootfs: string;
  /** A label requested by the caller, in place of the one in the images. */
  readonly lsmProfile?: string | undefined;
}

/** Field numbers of CRIU's images: creds_entry, thread_core_entry, task_kobj_ids_entry, mnt_entry and others. */
const creds = {
  ids: [1, 3, 5, 7],
  gids: [2, 4, 6, 8],
  capabilities: { inheritable: 9, permitted: 10, effective: 11, bounding: 12, ambient: 19 },
  groups: 14,
  label: 15,
  noNewPrivileges: 18,
} as const;
const core = { task: 3, thread: 5, threadCreds: 10, seccompMode: 11, seccompFilter: 12 } as const;
const task = { state: 1, seccompMode: 11, seccompFilter: 12 } as const;
const namespaceIds: readonly (readonly [NamespaceType, number])[] = [
  ['pid', 5],
  ['network', 6],
  ['ipc', 7],
  ['uts', 8],
  ['mount', 9],
  ['user', 10],
  ['cgroup', 11],
  ['time', 12],
];
/** `external` of older versions: the root is a key. */
const entry = { filesystem: 1, flags: 5, root: 6, path: 7, external: 13, superFlags: 17, key: 18 } as const;
/** TASK_DEAD of CRIU. */
const dead = 2;
const filterMode = 2;
const readOnly = 1;
const ownStatus = '/proc/self/status';
/** Numbers of the filesystems that may be in a container without a source on the host. */
const filesystems: Readonly<Record<string, number>> = {
  proc: 1,
  sysfs: 2,
  tmpfs: 5,
  devpts: 6,
  cgroup: 12,
  mqueue: 14,
  cgroup2: 23,
};
/** Those that a process of the container may have mounted itself. */
const ownFilesystems = new Set(
  ['proc', 'sysfs', 'tmpfs', 'devpts', 'cgroup', 'mqueue'].map((type) => filesystems[type]),
);
/** Has policies for the host, of containers with a namespace of AppArmor. */
const policies = 'apparmor.img';
/** A bind from the filesystem that holds the root, which CRIU does not mount itself. */
const boundFromRoot = 0;

/**
 * Compares untrusted images with a config: CRIU gives a process whatever the images contain. Throws everything that
 * they would grant beyond the config, or that the config requires and they lack.
 */
export function verifyImages(native: Native, directory: ImageDirectory, expected: Expected): void {
  const faults = new Map<string, Diagnostic>();
  const refuse = (what: string, pointer: string): void => {
    const message = `the images do not fit config.json: ${what}`;
    // A fault of one process is usually one of most processes.
    const key = `${pointer} ${what.replace(/^core-\d+/, '')}`;
    if (!faults.has(key)) faults.set(key, { code: 'images.differ', message, pointer });
  };
  const named = (pattern: RegExp): string[] => directory.names.filter((name) => pattern.test(name));
  const cores = named(/^core-\d+\.img$/);
  if (cores.length === 0) {
    throw new Failure({ code: 'images.missing', message: 'no checkpoint images in this directory' });
  }
  const context = { native, directory, expected, grantable: grantableMask(native, expected.config), refuse };
  for (const name of cores) verifyProcess(context, name);
  verifyNamespaces(context, named(/^ids-\d+\.img$/));
  verifyMaps(context, named(/^userns-\d+\.img$/));
  const mounts = named(/^mountpoints-\d+\.img$/);
  if (mounts.length > 1 && !mayMount(expected)) refuse('there is more than one mount namespace', '/linux/namespaces');
  for (const name of mounts) verifyMounts(context, name);
  if (directory.names.includes(policies) && readImage(native, directory, policies).length > 0) {
    refuse('criu would load policies of AppArmor', '/process/apparmorProfile');
  }
  if (faults.size > 0) throw new Failure([...faults.values()]);
}

interface Verification {
  readonly native: Native;
  readonly directory: ImageDirectory;
  readonly expected: Expected;
  /** A mask of capabilities. */
  readonly grantable: bigint;
  readonly refuse: (message: string, pointer: string) => void;
}

function verifyProcess(context: Verification, name: string): void {
  const { native, directory, expected, grantable, refuse } = context;
  const image = readSingle(native, directory, name);
  const old = messageIn(image, core.task, name);
  const thread = messageIn(image, core.thread, name);
  // A zombie has no credentials and gets none: CRIU forks it and lets it exit.
  if (thread === undefined && old !== undefined && numberOf(old, task.state) === dead) return;
  const credentials = thread === undefined ? undefined : messageIn(thread, core.threadCreds, name);
  if (thread === undefined || credentials === undefined) throw damaged(name);
  const { process } = expected.config;
  const bounding = capabilityMask(process?.capabilities?.bounding ?? []);
  for (const [set, field] of Object.entries(creds.capabilities)) {
    const [low = 0, high = 0] = requireNumbers(credentials, field, name);
    const found = (BigInt(high) << 32n) | BigInt(low);
    const lacks = (found & ~bounding) !== 0n ? 'the config' : (found & ~grantable) !== 0n ? 'rt itself' : undefined;
    if (lacks !== undefined)
      refuse(`${name} has ${set} capabilities that ${lacks} lacks`, '/process/capabilities/bounding');
  }
  verifyIds(context, name, credentials, bounding);
  if (process?.noNewPrivileges === true && numberOf(credentials, creds.noNewPrivileges) !== 1) {
    refuse(`${name} may gain privileges (criu before 4.0 does not record this)`, '/process/noNewPrivileges');
  }
  verifyLabel(context, name, textOf(credentials, creds.label) ?? '');
  const mode = numberOf(thread, core.seccompMode) ?? (old === undefined ? undefined : numberOf(old, task.seccompMode));
  const filter =
    numberOf(thread, core.seccompFilter) ?? (old === undefined ? undefined : numberOf(old, task.seccompFilter));
  verifyFilter(context, name, mode ?? 0, filter);
  for (const [what, pointer] of limitDifferences(native, process, name, old, thread)) refuse(what, pointer);
}

/** The capabilities that criu can give: it waits for ever for a process that could not get one. */
function grantableMask(native: Native, config: Config): bigint {
  if (userNamespaceOf(config) === 'new') return ~0n;
  const status = expectResult(native.readText(ownStatus, 1 << 16), 'images.read', `cannot read "${ownStatus}"`, 'read');
  return BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

function requireNumbers(message: Message, field: number, image: string): number[] {
  const numbers = numbersOf(message, field);
  if (numbers === undefined) throw damaged(image);
  return numbers;
}

/** A process that may not change its ids must have those of the config. */
function verifyIds({ expected, refuse }: Verification, name: string, credentials: Message, bounding: bigint): void {
  const { uid = 0, gid = 0, additionalGids = [] } = expected.config.process?.user ?? {};
  const allowed = new Set([gid, ...additionalGids]);
  const hasOther = (fields: readonly number[], id: number): boolean =>
    fields.some((field) => (numberOf(credentials, field) ?? 0) !== id);
  if ((bounding & capabilityMask(['CAP_SETUID'])) === 0n && hasOther(creds.ids, uid)) {
    refuse(`${name} has a different user`, '/process/user/uid');
  }
  if ((bounding & capabilityMask(['CAP_SETGID'])) !== 0n) return;
  if (hasOther(creds.gids, gid)) refuse(`${name} has a different group`, '/process/user/gid');
  if (requireNumbers(credentials, creds.groups, name).some((id) => !allowed.has(id))) {
    refuse(`${name} has different supplementary groups`, '/process/user/additionalGids');
  }
}

function verifyLabel({ expected, refuse }: Verification, name: string, found: string): void {
  if (expected.lsmProfile !== undefined) return;
  const { apparmorProfile = '', selinuxLabel = '' } = expected.config.process ?? {};
  const label = apparmorProfile === '' ? selinuxLabel : apparmorProfile;
  const bare = found === 'unconfined' ? '' : found.replace(/ \(\w+\)$/, '');
  if (bare === byteText(label === 'unconfined' ? '' : label)) return;
  refuse(
    `${name} has the label "${printable(found)}"`,
    apparmorProfile === '' ? '/process/selinuxLabel' : '/process/apparmorProfile',
  );
}

/** The first filter of a process is the container's own. */
function verifyFilter(context: Verification, name: string, mode: number, last: number | undefined): void {
  const { native, directory, expected, refuse } = context;
  const { init, filter: compile } = expected.plan;
  if (compile === undefined || !init.some(({ op }) => op === 'seccomp')) return;
  const wanted = compile();
  const list = messagesIn(readSingle(native, directory, 'seccomp.img'), 1, 'seccomp.img');
  let filter = mode === filterMode && last !== undefined ? list[last] : undefined;
  // Each filter has the index of the one before it; a cycle would have no first filter.
  for (let steps = 0; filter !== undefined && steps <= list.length; steps += 1) {
    const before = numberOf(filter, 2);
    if (before === undefined) break;
    filter = list[before];
  }
  const bytes = filter === undefined ? undefined : bytesOf(filter, 1);
  if (bytes === undefined) refuse(`${name} has no seccomp filter`, '/linux/seccomp');
  else if (!isSame(bytes, wanted)) refuse(`${name} has a different seccomp filter`, '/linux/seccomp');
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * A namespace that is criu's own in the images is not made: the process would stay outside of it, unless criu has
 * joined the namespace of the config.
 */
function verifyNamespaces({ native, directory, expected, refuse }: Verification, names: readonly string[]): void {
  const root = messageIn(readSingle(native, directory, 'inventory.img'), 3, 'inventory.img');
  if (root === undefined || names.length === 0) throw damaged('inventory.img');
  for (const name of names) {
    const ids = readSingle(native, directory, name);
    for (const [type, field] of namespaceIds) {
      const id = numberOf(ids, field);
      const own = id !== undefined && id !== numberOf(root, field);
      if (!hasNamespace(expected.config, type)) {
        // criu would make devices and addresses there, some of them on the host. A time namespace it makes itself.
        if (own && type === 'network' && !mayMount(expected)) {
          refuse(`${name} has its own network namespace`, '/linux/namespaces');
        }
        continue;
      }
      const inherited = isInherited(type) && joinedPath(expected.config, type) !== undefined;
      if (own !== inherited) continue;
      const what = inherited ? 'has its own' : 'does not have its own';
      refuse(`${name} ${what} ${type} namespace`, namespacePointer(expected.config, type));
    }
  }
}

/** criu writes the maps of the images: they would give the container other users of the host. */
function verifyMaps({ native, directory, expected, refuse }: Verification, names: readonly string[]): void {
  const { uidMappings = [], gidMappings = [] } = expected.config.linux ?? {};
  for (const name of names) {
    const image = readSingle(native, directory, name);
    for (const [property, field, wanted] of [
      ['uidMappings', 1, uidMappings],
      ['gidMappings', 2, gidMappings],
    ] as const) {
      if (sortedMap(mappingsOf(image, field, name)) === sortedMap(wanted)) continue;
      refuse(`${name} has other maps of a user namespace`, `/linux/${property}`);
    }
  }
}

function mappingsOf(image: Message, field: number, name: string): IdMapping[] {
  return messagesIn(image, field, name).map((extent) => ({
    containerID: numberOf(extent, 1) ?? 0,
    hostID: numberOf(extent, 2) ?? 0,
    size: numberOf(extent, 3) ?? 0,
  }));
}

function sortedMap(mappings: readonly IdMapping[]): string {
  return mapText([...mappings].sort((one, other) => one.containerID - other.containerID));
}

function isInherited(type: NamespaceType): boolean {
  return inheritedNamespaces.some((one) => one === type);
}

function verifyMounts(context: Verification, name: string): void {
  const { native, directory, expected, refuse } = context;
  const found = new Map<string, number>();
  for (const mount of readImage(native, directory, name)) {
    const path = textOf(mount, entry.path) ?? '';
    found.set(path, (found.get(path) ?? 0) + 1);
    verifyMount(context, mount, path);
  }
  for (const { path, kind } of expected.mounts) {
    if (kind !== 'mask' && kind !== 'readonly') continue;
    // What it covers may be a mount as well.
    const wanted = new Set(expected.mounts.filter((one) => one.path === path).map((one) => one.kind)).size;
    if ((found.get(byteText(path)) ?? 0) >= wanted || !exists(context, path)) continue;
    refuse(
      `"${path}" is not ${kind === 'mask' ? 'masked' : 'read-only'}`,
      `/linux/${kind}Paths`.replace('mask', 'masked'),
    );
  }
}

/** Whether there is something to protect: /proc and /sys are those of this host. */
function exists({ native, expected }: Verification, path: string): boolean {
  const { rootfs, mounts } = expected;
  const holders = mounts.filter(({ kind }) => kind === 'root' || kind === 'filesystem' || kind === 'bind');
  const isOfKernel = path.startsWith('/proc/') || path.startsWith('/sys/');
  const place = hostPath(rootfs, holders, path) ?? (isOfKernel ? path : undefined);
  if (place === undefined) return false;
  const found = expectIfPresent(native.stat(place, 0), 'images.path', `cannot look at "${place}"`, 'stat');
  return found !== undefined;
}

function verifyMount({ expected, refuse }: Verification, mount: Message, path: string): void {
  const key = textOf(mount, entry.key);
  const type = numberOf(mount, entry.filesystem) ?? 0;
  const flags = (numberOf(mount, entry.flags) ?? 0) | ((numberOf(mount, entry.superFlags) ?? 0) & readOnly);
  const shown = `"${printable(path)}"`;
  const planned = expected.mounts.filter((one) => byteText(one.path) === path);
  const isPlain = !isTrue(mount, entry.external) && !(textOf(mount, entry.root) ?? '').split('/').includes('..');
  const fitting = isPlain ? planned.find((one) => fits(one, type, key)) : undefined;
  if (fitting === undefined) {
    const own = isPlain && key === undefined && ownFilesystems.has(type);
    if (!(mayMount(expected) && own && planned.length === 0))
      refuse(`there is a different mount on ${shown}`, '/mounts');
  } else if ((requiredFlags(fitting) & ~flags) !== 0) {
    refuse(`the mount on ${shown} lacks options such as ro, nosuid, nodev or noexec`, '/mounts');
  }
}

/** Earlier versions of rt did not bind nodes read-only; protectMounts adds that. */
function requiredFlags({ kind, flags }: PlannedMount): number {
  return kind === 'device' ? flags & ~readOnly : flags;
}

/** Whether processes of the container may make mounts and other namespaces than a user namespace. */
function mayMount({ config }: Expected): boolean {
  return config.process?.capabilities?.bounding?.includes('CAP_SYS_ADMIN') === true;
}

function fits(planned: PlannedMount, type: number, key: string | undefined): boolean {
  switch (planned.kind) {
    case 'root':
      return key === undefined;
    case 'filesystem':
      if (planned.external !== undefined) return key === planned.external.key;
      return key === undefined && filesystems[planned.type ?? ''] === type;
    case 'bind':
    case 'device':
      return key === planned.external?.key;
    case 'mask':
      return key === nullKey || (key === undefined && type === filesystems['tmpfs']);
    case 'readonly':
      return key === undefined && (type === boundFromRoot || Object.values(filesystems).includes(type));
    case 'console':
      return key === undefined && type === filesystems['devpts'];
  }
}
