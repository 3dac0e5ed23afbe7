import type { NamespaceType } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import { expectIfPresent, expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { S_IFCHR, S_IFMT } from '../kernel/files.ts';
import { externalNamespaces, nullKey } from '../plan/checkpoint.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import { mountOn } from '../diag/mountinfo.ts';
import { mountsOf } from './mountinfo.ts';

/** External resources of a container, named to CRIU (`--external` of criu(8)). */

/** Virtual consoles and serial lines, /dev/console, pseudo-terminals, consoles of virtual machines (devices.txt). */
const terminalMajors = new Set([4, 5, 136, 137, 138, 139, 140, 141, 142, 143, 204, 229]);

/** Names in /proc/PID/ns. */
export const namespaceFiles: Readonly<Record<NamespaceType, string>> = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
};

/** For the dump: `mnt[PATH]:KEY` of every mount that comes from the host. */
export function externalMounts(native: Native, pid: number, planned: readonly PlannedMount[]): string[] {
  const seen = mountsOf(native, pid);
  return planned.flatMap(({ path, kind, external }): string[] => {
    const mount = mountOn(seen, path);
    // By the path, all that are mounted there would become the same: what is below a mask would replace it.
    const here = seen.filter((one) => one.path === path).length;
    const copies = planned.filter((one) => one.kind === 'readonly' && one.path === path).length;
    if ((kind === 'mask' || external !== undefined) && here > 1 + copies) {
      throw new Failure({
        code: 'checkpoint.mount',
        message: `cannot checkpoint: there are several mounts on "${path}", which criu does not tell apart`,
      });
    }
    if (kind === 'mask') return mount !== undefined && mount.type !== 'tmpfs' ? [`mnt[${path}]:${nullKey}`] : [];
    if (external === undefined) return [];
    if (mount !== undefined) return [`mnt[${path}]:${external.key}`];
    throw new Failure({
      code: 'checkpoint.mount',
      message: `cannot checkpoint: nothing is mounted on "${path}" anymore`,
    });
  });
}

/** For the restore: `mnt[KEY]:SOURCE` of the same mounts. CRIU would bind a symbolic link itself, which fails. */
export function restoredMounts(native: Native, planned: readonly PlannedMount[]): string[] {
  const binds = planned.flatMap(({ external }) => {
    if (external === undefined) return [];
    const { key, source } = external;
    return [
      `mnt[${key}]:${expectResult(native.realPath(source), 'restore.source', `cannot find "${source}"`, 'stat')}`,
    ];
  });
  return [...binds, `mnt[${nullKey}]:/dev/null`];
}

/** `net[INODE]:KEY` and the like of the namespaces of `types` that init is in. */
export function externalNames(
  native: Native,
  pid: number,
  types: readonly (keyof typeof externalNamespaces)[],
): string[] {
  return types.map((type) => {
    const name = namespaceFiles[type];
    const path = `/proc/${pid}/ns/${name}`;
    const status = expectResult(native.stat(path, 1), 'checkpoint.namespace', `cannot open "${path}"`, 'stat');
    return `${name}[${status[3] ?? 0}]:${externalNamespaces[type]}`;
  });
}

/**
 * Names of the descriptors 0 to 2 of init. A pipe, or a host file outside of the container's mounts, has to be passed
 * in again on restore.
 */
export function standardDescriptors(native: Native, pid: number): string[] {
  const mounts = new Set(mountsOf(native, pid).map(({ id }) => id));
  return [0, 1, 2].map((fd) => {
    const action = `cannot look at descriptor ${fd} of process ${pid}`;
    const link = expectIfPresent(native.readLink(`/proc/${pid}/fd/${fd}`), 'checkpoint.descriptor', action, 'readlink');
    if (link?.startsWith('/') !== true) return link ?? '';
    const information = native.readText(`/proc/${pid}/fdinfo/${fd}`, 1 << 16);
    const text = expectResult(information, 'checkpoint.descriptor', action, 'read');
    const mount = /^mnt_id:\s*(\d+)$/m.exec(text)?.[1];
    const status = expectResult(native.stat(`/proc/${pid}/fd/${fd}`, 1), 'checkpoint.descriptor', action, 'stat');
    if (mount === undefined || mounts.has(mount) || isTerminal(status)) return link;
    return `file[${Number(mount).toString(16)}:${(status[3] ?? 0).toString(16)}]`;
  });
}

/** A terminal is not passed in: CRIU uses the caller's instead, if permitted (`shell-job`). */
function isTerminal([mode = 0, , , , , device = 0]: readonly number[]): boolean {
  return (mode & S_IFMT) === S_IFCHR && terminalMajors.has((device >> 8) & 0xfff);
}

/** Whether a name is that of a descriptor to pass in, which must be a pipe or a file. */
export function isHandedIn(name: string): boolean {
  return /^(?:pipe:\[\d+\]|file\[[0-9a-f]+:[0-9a-f]+\])$/.test(name);
}
