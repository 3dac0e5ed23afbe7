import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName, errnoText } from '../diag/errno.ts';
import { EDEADLK, ENOENT, ENOTEMPTY } from '../kernel/errno.ts';
import { notifyOrigin } from '../plan/notify.ts';
import { rlimitName } from '../plan/process.ts';
import type { PlannedOp } from '../plan/types.ts';
import { namespaceName, namespaceNames, namespaceWords } from './explain-namespaces.ts';
import { netDeviceWords } from './explain-net-device.ts';
import { processWords, securityAction } from './explain-process.ts';

const devptsHint =
  'add {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]} to mounts';

const plainHint = 'give the destination without symbolic links';

/**
 * What went wrong with an op, in words that name its object. `detail` is what the kernel said besides, `item` the part
 * that failed of an op that has several.
 */
export function describeOp(op: PlannedOp, errno: number, call: string, detail: string, item = 0): Diagnostic {
  const cause = detail === '' ? errnoText(errno) : `${errnoText(errno)}: ${detail.replace(/^[ew] /, '')}`;
  const fault: Diagnostic = {
    code: `op.${op.op}`,
    message: `${action(op, item)}: ${cause} (${call})`,
    errno: errnoName(errno),
    syscall: call,
    ...pointerOf(op, item),
  };
  const special = specialWords(op, errno, call) ?? namespaceWords(op, errno, call, detail);
  return special === undefined ? fault : { ...fault, ...special };
}

function removeMountWords(op: PlannedOp & { op: 'remove_mount' }, name: string): Partial<Diagnostic> | undefined {
  if (name === 'ELOOP') return { hint: plainHint };
  if (name !== 'EINVAL') return undefined;
  return { message: `cannot remove the mount on "${op.destination}": nothing is mounted there` };
}

function pointerOf(op: PlannedOp, item: number): Partial<Diagnostic> {
  const from = op.items?.[item] ?? op.from;
  return from.startsWith('/') ? { pointer: from } : {};
}

function specialWords(op: PlannedOp, errno: number, call: string): Partial<Diagnostic> | undefined {
  const name = errnoName(errno);
  switch (op.op) {
    case 'find_program':
      return { message: lookupMessage(op.name, errno) };
    case 'stdio_owner':
      if (name !== 'ENODEV') return undefined;
      return {
        message: 'cannot replace /dev/null of the host: that of the container is missing or not the null device',
        hint: 'put /dev/null back (character device 1:3), or do not start with /dev/null as a standard stream',
      };
    case 'cgroup_create':
      if (errno === EDEADLK) {
        return { message: `container's cgroup unexpectedly frozen: "${op.hierarchy}${op.path}"` };
      }
      if (errno !== ENOTEMPTY) return undefined;
      return { message: `container's cgroup is not empty: "${op.hierarchy}${op.path}" has processes` };
    case 'write_file':
    case 'write_first':
      if (name === 'EINVAL' && op.op === 'write_file' && op.path.endsWith('/memory.limit_in_bytes')) {
        return { hint: 'the limit of memory and swap together must not be lower: set swap too' };
      }
      return missingFile(op, errno);
    case 'mount_bind':
      if (op.from === notifyOrigin)
        return { hint: 'NOTIFY_SOCKET is in the environment: unset it, or make room for it' };
      if (call === 'open_tree' && errno === ENOENT) {
        return {
          pointer: `${op.from}/source`,
          hint: 'the bind source does not exist on the host; create it or drop the mount',
        };
      }
      if (name === 'EMEDIUMTYPE') {
        return { message: `cannot bind "${op.source}" on "/proc": the source is not the root of a procfs` };
      }
      if (name === 'EPERM' && call === 'fstatfs') return coversProc(op.destination);
      if (name === 'ELOOP') return { hint: plainHint };
      return name === 'ENOTDIR' || name === 'EISDIR'
        ? { hint: 'source and destination must both be directories, or neither' }
        : undefined;
    case 'mount_filesystem':
      if ((name === 'ELOOP' || name === 'ENOTDIR') && (op.type === 'proc' || op.type === 'sysfs')) {
        return {
          message: `filesystem "${op.type}" must be mounted on ordinary directory: "${op.destination}" is not one (${name})`,
        };
      }
      if (name === 'EPERM' && call === 'fstatfs') return coversProc(op.destination);
      return name === 'ELOOP' && call !== 'copy' ? { hint: plainHint } : undefined;
    case 'bind_device':
      return name === 'EPERM' && call === 'fstatfs' ? coversProc(op.path) : undefined;
    case 'remove_mount':
      return removeMountWords(op, name);
    case 'pivot_root':
      return name === 'EINVAL' ? { hint: 'the initial ramfs cannot be replaced: use --no-pivot' } : undefined;
    case 'net_device':
      return netDeviceWords(op, name);
    case 'change_directory':
      if (name === 'EXDEV') {
        return {
          message:
            'current working directory is outside of container mount namespace root -- possible container breakout detected',
        };
      }
      return { message: `chdir to cwd ("${op.path}") set in config.json failed: ${errnoText(errno)}` };
    case 'terminal':
      return name === 'EMEDIUMTYPE' || errno === ENOENT || name === 'ELOOP'
        ? { message: `cannot open a terminal: /dev/pts of the container is not devpts`, hint: devptsHint }
        : undefined;
    case 'open_root':
    case 'hold_root':
    case 'open_root_directory':
      return { message: `invalid rootfs: cannot open "${op.path}": ${rootCause(errno)}` };
    default:
      return processWords(op, name);
  }
}

function coversProc(path: string): Partial<Diagnostic> {
  return {
    message: `"${path}" cannot be mounted because it is inside /proc`,
    hint: 'symbolic links of the image lead there; to hide a path of /proc, use linux.maskedPaths',
  };
}

/** Files that only some kernels and hosts have. */
function missingFile(
  op: PlannedOp & { op: 'write_file' | 'write_first' },
  errno: number,
): Partial<Diagnostic> | undefined {
  if (errno !== ENOENT) return undefined;
  const path = op.op === 'write_file' ? op.path : (op.paths[0] ?? '');
  const file = path.slice(path.lastIndexOf('/') + 1);
  if (file.startsWith('hugetlb.')) {
    return { hint: 'this host has no huge pages of that size: see /sys/kernel/mm/hugepages' };
  }
  if (file.startsWith('blkio.') || file.startsWith('io.')) {
    return { hint: 'weights need the I/O scheduler bfq (modprobe bfq) or, on cgroup v2, a kernel with iocost' };
  }
  if (file.startsWith('cpu.rt_')) return { hint: 'the kernel was built without CONFIG_RT_GROUP_SCHED' };
  if (file.startsWith('memory.')) return { hint: 'the kernel does not account this; swap needs swapaccount=1' };
  return { hint: 'this kernel has no such setting' };
}

function rootCause(errno: number): string {
  return errnoName(errno) === 'ELOOP' ? 'it is a symbolic link' : errnoText(errno);
}

/** The words of Go's exec.LookPath, by which engines choose an exit code. */
function lookupMessage(name: string, errno: number): string {
  if (!name.includes('/')) return `exec: "${name}": executable file not found in $PATH`;
  if (errno === ENOENT) return `exec: "${name}": stat ${name}: no such file or directory`;
  return `exec: "${name}": ${errnoText(errno)}`;
}

function action(op: PlannedOp, item: number): string {
  switch (op.op) {
    case 'cgroup_create':
    case 'cgroup_enable':
      return `unable to apply cgroup configuration: cannot make cgroup "${op.hierarchy}${op.path}"`;
    case 'write_file':
      return `cannot write "${op.data.trim()}" to "${op.path}"`;
    case 'write_files':
      return `cannot write "${op.data[item] ?? ''}" to "${op.paths[item] ?? ''}"`;
    case 'write_first':
      // The first name is the one that documentation has; the others stand in for it.
      return `cannot write "${op.data[item] ?? op.data[0] ?? ''}" to "${op.paths[item] ?? op.paths[0] ?? ''}"`;
    case 'cgroup_delegate':
      return `cannot give cgroup "${op.directory}" to user ${String(op.uid)}`;
    case 'write_device_rules':
      return `cannot set device rule "${op.rules[item] ?? ''}" of "${op.directory}"`;
    case 'device_program':
      return `cannot set device rules of "${op.directory}"`;
    case 'cgroup_join':
      return `unable to apply cgroup configuration: cannot join through "${op.file}"`;
    case 'unshare':
      return `cannot make namespaces: ${namespaceNames(op.flags)}`;
    case 'namespace_open':
      return `cannot open namespace "${op.path}"`;
    case 'outlive':
    case 'container_user_namespace':
    case 'open_process_root':
    case 'join_process':
      return 'cannot enter the container';
    case 'namespace_join':
      return `cannot join the ${namespaceName(op.type)} namespace`;
    case 'user_namespace':
      return 'cannot make a user namespace';
    case 'check_id_maps':
      return 'the mappings are not those of the user namespace that is joined';
    case 'become_root':
      return 'cannot become root of the user namespace';
    case 'open_time_offsets':
      return 'cannot open the clocks of the time namespace';
    case 'time_namespace':
      return op.offsets === '' ? 'cannot make a time namespace' : 'cannot set the clocks of the time namespace';
    case 'open_tree':
      return `cannot open "${op.path}"`;
    case 'idmap_tree':
      return 'cannot idmap the mount';
    case 'raise_limit':
      return `cannot raise the hard resource limit to ${String(op.hard)}`;
    case 'bind_device':
      return `cannot bind device "${op.source}" of the host`;
    case 'session_keyring':
      return `cannot make the session keyring "${op.name}"`;
    case 'open_log':
      return `cannot append the output of hooks to "${op.path}"`;
    case 'move_root':
      return 'cannot move the root filesystem over that of the host';
    case 'fork_init':
      return 'cannot enter the pid namespace';
    case 'clone_init':
      return `cannot start the container process in new namespaces: ${namespaceNames(op.flags)}`;
    case 'mount_filesystem':
      return `cannot mount ${op.type} on "${op.destination}"`;
    case 'mount_bind':
      return `cannot mount "${op.source}" on "${op.destination}"`;
    case 'remove_mount':
      return `cannot remove the mount on "${op.destination}"`;
    case 'mount_attributes':
      return 'cannot set the options of a mount';
    case 'open_mount':
      return `cannot open the mount on "${op.destination}"`;
    case 'make_mount_point':
      return `cannot make the mount point "${op.path}"`;
    case 'make_directory':
      return `cannot make directory "${op.path}"`;
    case 'make_device':
      return `cannot make device "${op.path}"`;
    case 'make_link':
      return `cannot make link "${op.path}"`;
    case 'terminal':
      return 'cannot open a terminal in the container';
    case 'console':
      return `cannot bind the terminal on "${op.path}"`;
    case 'mask_path':
      return `cannot mask "${op.path}"`;
    case 'readonly_path':
      return `cannot make "${op.path}" read-only`;
    case 'set_hostname':
      return `cannot set host name "${op.name}"`;
    case 'set_domainname':
      return `cannot set domain name "${op.name}"`;
    case 'sysctl':
      return `cannot set "${op.path.slice('sys/'.length)}" to "${op.value}"`;
    case 'oom_score_adj':
      return `cannot set oom_score_adj to ${String(op.value)}`;
    case 'rlimit':
      return `cannot set ${rlimitName(op.resource)} to ${String(op.soft)}:${String(op.hard)}`;
    case 'set_user':
      return `cannot become user ${String(op.uid)}:${String(op.gid)}`;
    case 'stdio_owner':
      return `cannot give the standard streams to user ${String(op.uid)}`;
    case 'resctrl_group':
      return op.mustExist ? `cannot use resctrl group "${op.path}"` : `cannot make resctrl group "${op.path}"`;
    case 'net_device':
      return `cannot move network device "${op.name}" into the container`;
    case 'scheduler':
    case 'io_priority':
    case 'personality':
    case 'memory_policy':
      return `cannot set ${op.from.slice(1).replaceAll('/', '.')}`;
    case 'cpu_affinity':
      return op.from === 'default'
        ? 'cannot reset the CPU affinity'
        : `cannot set ${op.from.slice(1).replaceAll('/', '.')}`;
    case 'security_attribute':
      return securityAction(op);
    case 'find_home':
      return 'cannot read /etc/passwd of the container, for HOME';
    case 'seccomp_receiver':
      return `cannot connect to the seccomp receiver "${op.path}"`;
    case 'seccomp_notify':
    case 'seccomp':
      return 'cannot load the seccomp filter';
    default:
      return `cannot ${op.op.replaceAll('_', ' ')}`;
  }
}
