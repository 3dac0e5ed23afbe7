import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName } from '../diag/errno.ts';
import { S_IFBLK, S_IFMT } from '../kernel/files.ts';
import { CLONE_NEW } from '../plan/constants.ts';
import type { PlannedOp } from '../plan/types.ts';

const movedMount =
  'cannot enter the container: its init has moved to a mount namespace of its own making, where nothing that rt does would hold';
const movedUser = 'cannot enter the container: its init is not in the user namespace that it was created in';
const movedHint =
  'restart the container; linux.seccomp can forbid its program to make user namespaces, by unshare(2) and clone(2) with CLONE_NEWUSER';

const missingDevice = 'in a user namespace no node can be made; the host must have one at this path';

/** Type of a namespace as in linux.namespaces, from its CLONE_NEW* flag. */
export function namespaceName(flag: number): string {
  return Object.entries(CLONE_NEW).find(([, value]) => value === flag)?.[0] ?? 'unknown';
}

/** Why the kernel makes no namespaces (clone(2), unshare(2)). */
export function cloneHint(name: string): string | undefined {
  switch (name) {
    case 'EPERM':
      return 'making namespaces needs root, or a user namespace that the user may make';
    case 'EINVAL':
      return 'the kernel may lack one of the namespaces that linux.namespaces asks for';
    case 'ENOSPC':
      return 'there are too many namespaces: see /proc/sys/user/max_*_namespaces';
    case 'EMFILE':
      return 'the caller may have too few files open: raise its limit, RLIMIT_NOFILE (ulimit -n)';
    default:
      return undefined;
  }
}

/** All of them, from their flags. */
export function namespaceNames(flags: number): string {
  return Object.entries(CLONE_NEW)
    .flatMap(([name, flag]) => ((flags & flag) === 0 ? [] : [name]))
    .join(', ');
}

/** Causes and cures where namespaces, id maps and mounts in them fail; `detail` is what C noted besides. */
export function namespaceWords(
  op: PlannedOp,
  errno: number,
  call: string,
  detail: string,
): Partial<Diagnostic> | undefined {
  const name = errnoName(errno);
  switch (op.op) {
    case 'namespace_open':
      if (name === 'EEXIST') {
        return {
          message: `cannot join namespace "${op.path}": it is that of the runtime itself, and ${op.need}`,
          pointer: `${op.from}/path`,
          hint: 'drop the path, for a new namespace; or drop what needs one',
        };
      }
      if (call === 'ioctl') {
        return {
          message: `cannot join namespace "${op.path}": it is not a namespace of type ${namespaceName(op.type)} (${call})`,
          pointer: `${op.from}/path`,
          hint: `give a file such as /proc/PID/ns/${fileName(op.type)}`,
        };
      }
      return { pointer: `${op.from}/path`, ...(name === 'ENOENT' ? { hint: goneHint } : {}) };
    case 'clone_init':
    case 'unshare': {
      const hint = cloneHint(name);
      return hint === undefined ? undefined : { hint };
    }
    case 'namespace_join':
      return name === 'EPERM'
        ? { hint: 'it belongs to another user namespace: join that too, or run rt with rights in it' }
        : undefined;
    case 'container_user_namespace':
      return name === 'ESTALE' ? { message: `${movedUser} (${call})`, hint: movedHint } : undefined;
    case 'join_process':
      return name === 'ESTALE' ? { message: `${movedMount} (${call})`, hint: movedHint } : undefined;
    case 'user_namespace':
      return userNamespaceWords(op, name, call, detail);
    case 'check_id_maps':
      return {
        message: 'linux.uidMappings and linux.gidMappings are not those of the user namespace that is joined',
        hint: `it maps ${mapWords(detail)}; leave the mappings out, or give the same`,
      };
    case 'become_root':
      return name === 'EINVAL'
        ? { hint: 'its maps have no id 0: the container cannot be set up without a root' }
        : name === 'EPERM' && call === 'setgroups'
          ? { hint: 'setgroups(2) is forbidden in it: /proc/PID/setgroups says deny' }
          : undefined;
    case 'set_user':
      return userWords(op, name, call);
    case 'time_namespace':
      return timeWords(name, call);
    case 'open_tree':
      return name === 'ENOENT' ? { pointer: sourcePointer(op.from), hint: missingHint(op.from) } : rootWords(op, name);
    case 'idmap_tree':
      return idmapWords(op, name, detail);
    case 'bind_device':
      if (name === 'ENODEV') {
        return {
          message: `cannot bind device "${op.source}" of the host: it is not ${deviceName(op.mode)} ${op.major}:${op.minor}`,
          hint: 'in a user namespace no node can be made; the host must have the same one at this path',
        };
      }
      return name === 'ENOENT' ? { hint: missingDevice } : undefined;
    case 'outlive':
      return name === 'EAGAIN'
        ? { hint: 'there is no place for a process: see RLIMIT_NPROC of its user, and /proc/sys/kernel/pid_max' }
        : undefined;
    case 'fork_init':
      return name === 'EAGAIN'
        ? { hint: 'the limit of processes leaves no room for the step into the pid namespace' }
        : name === 'EPERM'
          ? { hint: `the seccomp profile must allow ${call}(2), or process.noNewPrivileges be true` }
          : undefined;
    case 'mount_filesystem':
      return placeWords(name, call) ?? filesystemWords(op, name, call);
    case 'make_directory':
      return placeWords(name, call);
    case 'mount_bind':
      return (
        placeWords(name, call) ??
        (name === 'EPERM' && call === 'mount_setattr'
          ? { hint: 'the mount of the host has flags that a user namespace may not take away, such as ro or nosuid' }
          : name === 'EINVAL' && call === 'open_tree'
            ? { hint: 'mounts below the source hide parts of it, which a user namespace may not show: use rbind' }
            : undefined)
      );
    default:
      return undefined;
  }
}

/** A mount point, or a directory on the way to it, in a root file system that belongs to somebody else. */
function placeWords(name: string, call: string): Partial<Diagnostic> | undefined {
  return name === 'EACCES' && call === 'openat2'
    ? {
        hint: 'root may not make or enter it: in a user namespace give it to the hostID of its root, or make it before',
      }
    : undefined;
}

const goneHint = 'the process that held it may have ended; bind it to a file to keep it';

function fileName(flag: number): string {
  const name = namespaceName(flag);
  return name === 'network' ? 'net' : name === 'mount' ? 'mnt' : name;
}

/** Every op of a bind has the mount for its place; what is missing is its source. */
function sourcePointer(from: string): string {
  return from.startsWith('/mounts/') ? `${from}/source` : from;
}

function missingHint(from: string): string {
  return from.startsWith('/mounts/')
    ? 'the bind source does not exist on the host; create it or drop the mount'
    : from.startsWith('/root/')
      ? 'create it, or set root.path'
      : missingDevice;
}

function rootWords(op: PlannedOp & { op: 'open_tree' }, name: string): Partial<Diagnostic> | undefined {
  if (op.from !== '/root/path') return undefined;
  if (name === 'ELOOP') return { message: `invalid rootfs: cannot open "${op.path}": it is a symbolic link` };
  return name === 'ENOTDIR' ? { message: `invalid rootfs: cannot open "${op.path}": not a directory` } : undefined;
}

function userNamespaceWords(
  op: PlannedOp & { op: 'user_namespace' },
  name: string,
  call: string,
  detail: string,
): Partial<Diagnostic> | undefined {
  const owner = op.from.startsWith('/linux') ? '/linux' : op.from;
  if (call === 'clone3' || call === 'unshare') {
    const hint =
      name === 'ENOSPC' || name === 'EUSERS'
        ? 'there are too many user namespaces, or they are nested too deep: see /proc/sys/user/max_user_namespaces'
        : name === 'EPERM'
          ? 'the host forbids user namespaces: see /proc/sys/kernel/unprivileged_userns_clone and apparmor_restrict_unprivileged_userns'
          : 'the kernel may be built without user namespaces';
    return { hint };
  }
  if (call === 'newuidmap') {
    const kind = detail.startsWith('newgidmap') ? 'gid' : 'uid';
    return {
      message: `cannot write linux.${kind}Mappings: ${detail.trim()}`,
      pointer: `${owner}/${kind}Mappings`,
      hint: `give the user that runs rt a range in /etc/sub${kind} that holds the hostIDs, or map the own id only`,
    };
  }
  if (call !== 'write') return undefined;
  const kind = detail === 'gid_map' ? 'gid' : 'uid';
  return {
    message: `cannot write ${owner.slice(1).replaceAll('/', '.')}.${kind}Mappings: ${
      name === 'EPERM' ? 'operation not permitted' : 'the kernel does not take them'
    } (${call})`,
    pointer: `${owner}/${kind}Mappings`,
    hint:
      name === 'EPERM'
        ? `every hostID must be mapped in the user namespace that rt runs in: see /proc/self/${kind}_map`
        : 'ranges must not overlap; there are at most 340, which take less than a page of memory as text',
  };
}

function userWords(op: PlannedOp & { op: 'set_user' }, name: string, call: string): Partial<Diagnostic> | undefined {
  if (name === 'EPERM' && call === 'setgroups') {
    return {
      message: 'cannot set any additional groups in a rootless container',
      pointer: '/process/user/additionalGids',
      hint: 'setgroups(2) is forbidden in its user namespace',
    };
  }
  if (name !== 'EINVAL') return undefined;
  const hint = 'its user namespace has no such id: see /proc/PID/uid_map and gid_map';
  if (call === 'setgroups') {
    return {
      message: `cannot add groups ${groupsText(op.groups)}: one is unmapped in user namespace`,
      pointer: '/process/user/additionalGids',
      hint,
    };
  }
  return call === 'setresgid'
    ? { message: `cannot setgid to unmapped gid ${op.gid} in user namespace`, pointer: '/process/user/gid', hint }
    : { message: `cannot setuid to unmapped uid ${op.uid} in user namespace`, pointer: '/process/user/uid', hint };
}

/** Numbers of /proc/PID/uid_map, of a long one the first. */
function mapWords(text: string): string {
  const words = text.trim().split(/\s+/);
  const most = 30;
  return words.slice(0, most).join(' ') + (words.length > most ? ' ...' : '');
}

function groupsText(groups: readonly number[]): string {
  const most = 16;
  const more = groups.length > most ? ` and ${groups.length - most} more` : '';
  return groups.slice(0, most).join(', ') + more;
}

function timeWords(name: string, call: string): Partial<Diagnostic> | undefined {
  if (call === 'write' && name === 'ERANGE') {
    return { hint: 'a clock would be negative, or too far in the future: secs is an offset to the clock of the host' };
  }
  if (call === 'write' && name === 'EINVAL') return { hint: 'nanosecs must be less than 1000000000' };
  return name === 'EINVAL' || name === 'ENOSYS'
    ? { hint: 'the kernel may be built without time namespaces: drop {"type": "time"} from linux.namespaces' }
    : undefined;
}

/** By magic number (statfs(2)): what volumes and images lie on. */
const filesystems: Readonly<Record<string, string>> = {
  '0000ef53': 'ext4',
  '58465342': 'xfs',
  '9123683e': 'btrfs',
  '794c7630': 'overlay',
  '01021994': 'tmpfs',
  '00006969': 'nfs',
  '65735546': 'fuse',
  '01021997': '9p',
  '00009fa0': 'proc',
  '62656572': 'sysfs',
  '2fc12fc1': 'zfs',
  ff534d42: 'cifs',
  '63677270': 'cgroup2',
};

function idmapWords(op: PlannedOp & { op: 'idmap_tree' }, name: string, detail: string): Partial<Diagnostic> {
  const type = filesystems[detail] ?? `0x${detail}`;
  if (name === 'EINVAL') {
    // mount_setattr(2) does not tell which of the mounts it was.
    const which = op.recursive ? `its filesystem, ${type}, or that of a mount below it,` : `its filesystem, ${type},`;
    return {
      message: `cannot idmap the mount: ${which} has no idmapped mounts in this kernel, or is idmapped already (mount_setattr)`,
      hint: op.recursive
        ? 'idmap instead of ridmap leaves the mounts below as they are; or change the owners of the files instead'
        : 'drop idmap and the mappings of the mount and change the owners of the files, or use another filesystem',
    };
  }
  return name === 'EPERM'
    ? {
        message: `cannot idmap the mount: rt has no rights over its filesystem, ${type} (mount_setattr)`,
        hint: 'it was mounted in a user namespace above; run rt as root there',
      }
    : { pointer: op.from };
}

function deviceName(mode: number): string {
  return (mode & S_IFMT) === S_IFBLK ? 'block device' : 'character device';
}

function filesystemWords(
  op: PlannedOp & { op: 'mount_filesystem' },
  name: string,
  call: string,
): Partial<Diagnostic> | undefined {
  if (call === 'copy') {
    return name === 'ENOSPC'
      ? { hint: 'the tmpfs is too small for what it covers: raise its option size, or drop tmpcopyup' }
      : name === 'ELOOP'
        ? { hint: 'the directory is nested too deep to be copied: drop tmpcopyup' }
        : undefined;
  }
  if (name !== 'EPERM') return undefined;
  const place = { proc: '/proc', sysfs: '/sys' }[op.type];
  return place === undefined
    ? undefined
    : {
        hint: `a user namespace may only show what it owns, and sees unhidden; bind "${place}" of the host with rbind`,
      };
}
