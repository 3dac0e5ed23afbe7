import type { Config, IdMapping, Process } from '../../schema/generated/config.ts';
import { GROUPS_RULE } from '../../schema/generated/ops.ts';
import { keepsGroups } from '../bundle/annotations.ts';
import { hasNamespace, isNew, namespacePointer } from '../bundle/namespaces.ts';
import { normalizePath } from '../bundle/path.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { needOfSeparation } from './separation.ts';
import type { PlannedOp } from './types.ts';

/** Slot of the container's user namespace while the stage is outside of it; the last slots are not used for mounts. */
export const userSlot = 1000;

/** The user namespace of the container: the runtime's, a new one, or an existing one. */
export function userNamespaceOf(config: Config): 'runtime' | 'new' | 'joined' {
  if (!hasNamespace(config, 'user')) return 'runtime';
  return isNew(config, 'user') ? 'new' : 'joined';
}

/** Lines `inside outside size`, as /proc/PID/uid_map takes them (user_namespaces(7)). */
export function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/**
 * The op that makes a user namespace with these maps and the privileges of the runtime. `unguessable`: no process is meant
 * to run as its owner.
 */
export function makeUserNamespace(
  slot: number,
  uids: readonly IdMapping[],
  gids: readonly IdMapping[],
  facts: Facts,
  from: string,
  unguessable = false,
): PlannedOp {
  const { uid, gid } = facts.user;
  const root = uid === 0;
  const ownUid = root || isOnly(uids, uid);
  const ownGid = root || isOnly(gids, gid);
  return {
    op: 'user_namespace',
    slot,
    uidMap: mapText(uids),
    gidMap: mapText(gids),
    denySetgroups: Number(!root && ownGid),
    uidTool: ownUid ? '' : facts.idMapTools.uid,
    gidTool: ownGid ? '' : facts.idMapTools.gid,
    dumpable: Number(!root),
    unguessable: Number(unguessable),
    from,
  };
}

/** The only map that the kernel lets every user write. */
function isOnly(mappings: readonly IdMapping[], id: number): boolean {
  return mappings.length === 1 && mappings[0]?.size === 1 && mappings[0].hostID === id;
}

/** Makes or opens the container's user namespace. */
export function openUserOps(config: Config, facts: Facts): PlannedOp[] {
  const from = namespacePointer(config, 'user');
  const { namespaces = [], uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const path = namespaces.find(({ type }) => type === 'user')?.path;
  if (path) {
    const need = needOfSeparation(config, 'user');
    return [{ op: 'namespace_open', slot: userSlot, path, type: CLONE_NEW.user, need, from }];
  }
  // The owner of a user namespace has every capability in it, even from outside. A container without a user namespace
  // and with few capabilities may run as root, or as any mapped user, and could inspect processes in this one, such as
  // hooks, whose root directory is that of the host.
  return [makeUserNamespace(userSlot, uidMappings, gidMappings, facts, from, facts.user.uid === 0)];
}

/**
 * Gives the caller's standard streams to the process's user, which is possible only on the host. `open` opens a
 * namespace given by path.
 */
export function giveStreamsOps(config: Config, process: Process): PlannedOp[] {
  const kind = userNamespaceOf(config);
  // A new terminal is in the container's devpts.
  if (kind === 'runtime' || process.terminal === true) return [];
  const { uid = 0 } = process.user ?? {};
  const { uidMappings = [] } = config.linux ?? {};
  const give = { op: 'stdio_owner', null: 0, from: '/process/user/uid' } as const;
  if (kind === 'joined' && uidMappings.length === 0) return [{ ...give, uid, user: userSlot }];
  const range = uidMappings.find(({ containerID, size }) => uid >= containerID && uid < containerID + size);
  return range === undefined ? [] : [{ ...give, uid: range.hostID + uid - range.containerID, user: 0 }];
}

/** Joins it and becomes its root: everything made from now on belongs to it. */
export function enterUserOps(config: Config, facts: Facts): PlannedOp[] {
  const from = namespacePointer(config, 'user');
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const ops: PlannedOp[] = [{ op: 'namespace_join', slot: userSlot, type: CLONE_NEW.user, user: 0, keep: 0, from }];
  if (userNamespaceOf(config) === 'joined' && uidMappings.length + gidMappings.length > 0) {
    ops.push({
      op: 'check_id_maps',
      uidMap: mapText(uidMappings),
      gidMap: mapText(gidMappings),
      from: '/linux/uidMappings',
    });
  }
  ops.push({ op: 'become_root', groups: groupsRule(config, facts), from });
  return ops;
}

/** setgroups(2) is forbidden if the gid map was written without privilege, and skipped if an annotation requests it. */
export function groupsRule(config: Config, facts: Facts): number {
  if (keepsGroups(config)) return GROUPS_RULE.keep;
  const kind = userNamespaceOf(config);
  if (kind === 'new') {
    const { uid, gid } = facts.user;
    if (uid !== 0) return isOnly(config.linux?.gidMappings ?? [], gid) ? GROUPS_RULE.keep : GROUPS_RULE.set;
  }
  return kind === 'joined' || !facts.user.initial ? GROUPS_RULE.setIfAllowed : GROUPS_RULE.set;
}

/** Whether a new user namespace maps an id; for an existing one the kernel reports it. */
function isMapped(config: Config, kind: 'uid' | 'gid', id: number): boolean {
  if (userNamespaceOf(config) !== 'new') return true;
  const mappings = (kind === 'uid' ? config.linux?.uidMappings : config.linux?.gidMappings) ?? [];
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

/** Settings that its user namespace rules out: unmapped ids, filesystems that it does not own. */
export function checkUserNamespace(config: Config, facts: Facts, faults: Diagnostic[]): void {
  const kind = userNamespaceOf(config);
  if (kind === 'runtime') {
    refuseUnprivileged(config, facts, faults);
    return;
  }
  if (kind === 'new') {
    checkTools(config, facts, faults);
    checkRoot(config, faults);
  }
  checkUser(config, facts, faults);
  checkDevices(config, faults);
  (config.mounts ?? []).forEach((mount, index) => {
    checkMountIds(config, mount.type ?? '', mount.options ?? [], index, faults);
    checkOwner(config, mount.type ?? '', mount.destination, index, faults);
  });
}

function refuseUnprivileged(config: Config, facts: Facts, faults: Diagnostic[]): void {
  const namespaces = config.linux?.namespaces ?? [];
  if (namespaces.length === 0 || facts.user.uid === 0) return;
  faults.push({
    code: 'rootless.namespace',
    message: `cannot make or join namespaces as user ${String(facts.user.uid)} without a user namespace`,
    pointer: '/linux/namespaces',
    hint: 'run rt as root, or add {"type": "user"} with uidMappings and gidMappings: rt spec --rootless writes them',
  });
}

/** Maps beyond the user's own ids need the set-user-ID programs that read /etc/subuid. */
function checkTools(config: Config, facts: Facts, faults: Diagnostic[]): void {
  const { uid, gid } = facts.user;
  if (uid === 0) return;
  for (const [kind, own] of [
    ['uid', uid],
    ['gid', gid],
  ] as const) {
    const field = `${kind}Mappings` as const;
    if (isOnly(config.linux?.[field] ?? [], own) || facts.idMapTools[kind] !== '') continue;
    faults.push({
      code: 'rootless.tool',
      message: `cannot write linux.${field}: the program new${kind}map is missing`,
      pointer: `/linux/${field}`,
      hint: `install the package uidmap, or map only your own id: {"containerID": 0, "hostID": ${String(own)}, "size": 1}`,
    });
  }
}

/** The root of the user namespace sets up the container, and must exist for the kernel to grant capabilities to a program. */
function checkRoot(config: Config, faults: Diagnostic[]): void {
  for (const kind of ['uid', 'gid'] as const) {
    if (isMapped(config, kind, 0)) continue;
    faults.push({
      code: 'namespace.root',
      message: `linux.${kind}Mappings maps no id to 0: the container cannot be set up without root`,
      pointer: `/linux/${kind}Mappings`,
      hint: 'add an entry with "containerID": 0',
    });
  }
}

function checkUser(config: Config, facts: Facts, faults: Diagnostic[]): void {
  const { uid = 0, gid = 0, additionalGids = [] } = config.process?.user ?? {};
  if (!isMapped(config, 'uid', uid)) {
    faults.push(
      unmapped(config, 'uid', uid, `cannot setuid to unmapped uid ${uid} in user namespace`, '/process/user/uid'),
    );
  }
  if (!isMapped(config, 'gid', gid)) {
    faults.push(
      unmapped(config, 'gid', gid, `cannot setgid to unmapped gid ${gid} in user namespace`, '/process/user/gid'),
    );
  }
  additionalGids.forEach((id, index) => {
    const pointer = `/process/user/additionalGids/${String(index)}`;
    if (isMapped(config, 'gid', id)) return;
    faults.push(unmapped(config, 'gid', id, `cannot add unmapped gid ${id} in user namespace`, pointer));
  });
  if (additionalGids.length > 0 && !keepsGroups(config) && groupsRule(config, facts) === GROUPS_RULE.keep) {
    faults.push({
      code: 'rootless.groups',
      message: 'cannot set any additional groups in a rootless container',
      pointer: '/process/user/additionalGids',
      hint: 'only newgidmap can allow it: map more than your own gid, from a range in /etc/subgid',
    });
  }
}

function checkDevices(config: Config, faults: Diagnostic[]): void {
  (config.linux?.devices ?? []).forEach(({ path, uid, gid }, index) => {
    for (const [kind, id] of [
      ['uid', uid],
      ['gid', gid],
    ] as const) {
      if (id === undefined || isMapped(config, kind, id)) continue;
      const message = `cannot give device "${path}" to unmapped ${kind} ${id} in user namespace`;
      faults.push(unmapped(config, kind, id, message, `/linux/devices/${String(index)}/${kind}`));
    }
  });
}

const ownedTypes: readonly string[] = ['tmpfs', 'devpts', 'ramfs', 'mqueue'];

/** `uid=` and `gid=` of filesystems that expect ids of the container. */
function checkMountIds(
  config: Config,
  type: string,
  words: readonly string[],
  index: number,
  faults: Diagnostic[],
): void {
  if (!ownedTypes.includes(type)) return;
  words.forEach((word, at) => {
    const found = /^(uid|gid)=(\d+)$/.exec(word);
    if (found === null) return;
    const kind = found[1] as 'uid' | 'gid';
    const id = Number(found[2]);
    if (isMapped(config, kind, id)) return;
    const message = `cannot mount ${type} with option "${word}": ${kind} ${id} is unmapped in user namespace`;
    faults.push(unmapped(config, kind, id, message, `/mounts/${String(index)}/options/${String(at)}`));
  });
}

function unmapped(config: Config, kind: 'uid' | 'gid', id: number, message: string, pointer: string): Diagnostic {
  const field = `${kind}Mappings` as const;
  const ranges = (config.linux?.[field] ?? []).map(
    ({ containerID, size }) => `${containerID}-${containerID + size - 1}`,
  );
  return {
    code: 'namespace.unmapped',
    message,
    pointer,
    hint: `linux.${field} maps ${ranges.join(', ')}; map ${String(id)} too, or use one of these`,
  };
}

/** The namespace that a filesystem shows: only the owner of the namespace may mount it. */
const shownNamespace = { proc: 'pid', sysfs: 'network', mqueue: 'ipc' } as const;

function checkOwner(config: Config, type: string, destination: string, index: number, faults: Diagnostic[]): void {
  const shown = type in shownNamespace ? shownNamespace[type as keyof typeof shownNamespace] : undefined;
  if (shown === undefined || userNamespaceOf(config) !== 'new') return;
  if (isNew(config, shown)) return;
  const path = normalizePath(destination);
  faults.push({
    code: 'namespace.owner',
    message: `cannot mount ${type} on "${path}": the ${shown} namespace does not belong to the new user namespace`,
    pointer: `/mounts/${String(index)}`,
    hint:
      type === 'mqueue'
        ? `add {"type": "${shown}"} to linux.namespaces`
        : `add {"type": "${shown}"} to linux.namespaces, or bind "/${type === 'proc' ? 'proc' : 'sys'}" of the host with the option rbind`,
  });
}
