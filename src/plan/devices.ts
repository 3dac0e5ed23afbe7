import type { Config, LinuxDevice } from '../../schema/generated/config.ts';
import { normalizePath } from '../bundle/path.ts';
import type { Facts } from '../facts/facts.ts';
import { MOUNT_ATTR } from '../kernel/mounts.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO } from '../kernel/files.ts';
import { noAttributes } from './stage.ts';
import type { Attributes, Stage } from './stage.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf } from './user-namespace.ts';

const defaultMode = 0o666;

/** Those that bind_device sets (native/helper/op_tree.c), for the stage to lock. */
export const nodeAttributes: Attributes = {
  ...noAttributes,
  set: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC,
};

const defaultNodes: readonly { readonly device: LinuxDevice; readonly make: PlannedOp }[] = (
  [
    ['/dev/null', 1, 3],
    ['/dev/zero', 1, 5],
    ['/dev/full', 1, 7],
    ['/dev/random', 1, 8],
    ['/dev/urandom', 1, 9],
    ['/dev/tty', 5, 0],
  ] as const
).map(([path, major, minor]) => {
  const device = { path, type: 'c', major, minor } as const;
  return { device, make: makeNode(path, device, 'default', 1) };
});

const links: readonly PlannedOp[] = (
  [
    ['/dev/fd', '/proc/self/fd'],
    ['/dev/stdin', '/proc/self/fd/0'],
    ['/dev/stdout', '/proc/self/fd/1'],
    ['/dev/stderr', '/proc/self/fd/2'],
    ['/dev/ptmx', 'pts/ptmx'],
  ] as const
).map(([path, target]) => ({ op: 'make_link', path, target, exact: 0, from: 'default' }));

/**
 * Nodes of the config, default nodes that it does not redefine, and the links (spec: "Default Devices"). `devIsOfHost`:
 * nothing is made in it then.
 */
export function deviceOps(config: Config, facts: Facts, devIsOfHost: boolean, stage: Stage): PlannedOp[] {
  const ops: PlannedOp[] = [];
  // A node made in a user namespace cannot be opened, so the host's nodes are bound instead.
  const bound = userNamespaceOf(config) !== 'runtime' || !facts.user.initial;
  const defined = new Set<string>();
  (config.linux?.devices ?? []).forEach((device, index) => {
    const path = normalizePath(device.path);
    // Replaced by the link to the devpts instance of the container.
    if (path === '/dev/ptmx') return;
    if (devIsOfHost && path.startsWith('/dev/')) return;
    defined.add(path);
    const from = `/linux/devices/${String(index)}`;
    const isBound = bound && device.type !== 'p';
    ops.push(isBound ? bindNode(path, device, facts, stage, from) : makeNode(path, device, from, 0));
  });
  if (devIsOfHost) return ops;
  for (const { device, make } of defaultNodes) {
    if (!defined.has(device.path)) ops.push(bound ? bindNode(device.path, device, facts, stage, 'default') : make);
  }
  ops.push(...links);
  if (facts.hasKcore)
    ops.push({ op: 'make_link', path: '/dev/core', target: '/proc/kcore', exact: 0, from: 'default' });
  return ops;
}

/** Owner and mode are those of the host's node, which may have another path there. */
function bindNode(path: string, device: LinuxDevice, facts: Facts, stage: Stage, from: string): PlannedOp {
  const [major, minor] = [Number(device.major ?? 0), Number(device.minor ?? 0)];
  const isBlock = device.type === 'b';
  const source = from === 'default' ? path : facts.nodeOfDevice(path, isBlock ? 'block' : 'char', major, minor);
  return {
    op: 'bind_device',
    tree: stage.openTree(source, { recursive: false, attributes: nodeAttributes }, from),
    source,
    path,
    mode: isBlock ? S_IFBLK : S_IFCHR,
    major,
    minor,
    from,
  };
}

function makeNode(path: string, device: LinuxDevice, from: string, keep: number): PlannedOp {
  const { type, major = 0, minor = 0, fileMode = defaultMode, uid = 0, gid = 0 } = device;
  const format = type === 'b' ? S_IFBLK : type === 'p' ? S_IFIFO : S_IFCHR;
  return {
    op: 'make_device',
    path,
    mode: format | (fileMode & 0o7777),
    major: Number(major),
    minor: Number(minor),
    uid,
    gid,
    keep,
    from,
  };
}
