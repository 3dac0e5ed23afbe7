import type { OpCalls } from '../../schema/generated/ops.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { hinted } from './words.ts';
import type { Failed, Known, Planned, TopicWords } from './words.ts';

const entering = 'cannot enter the container';
const movedMount = `${entering}: its init has moved to a mount namespace that it made itself, where rt could not enforce anything`;
const movedUser = `${entering}: its init is not in the user namespace in which it was created`;
const movedHint =
  'restart the container; linux.seccomp can prevent its program from making user namespaces with unshare(2) and clone(2), CLONE_NEWUSER';

export const namespaceWords = {
  clone_init: {
    essential: true,
    action: ({ flags }) => `cannot start the container process in new namespaces: ${namespaceNames(flags)}`,
    known: (_, { name }) => hinted(cloneHint(name)),
  },
  unshare: {
    essential: true,
    action: ({ flags }) => `cannot make namespaces: ${namespaceNames(flags)}`,
    known: (_, { name }) => hinted(cloneHint(name)),
  },
  enter_mount_namespace: {
    action: ({ thread }) => `cannot enter the mount namespace of the kernel thread "${thread}"`,
  },
  mount_locked: { action: () => 'cannot hand mounts of the host to the user namespace' },
  lock_trees: { action: () => 'cannot hand mounts of the host to the user namespace' },
  clone_locked: { action: () => 'cannot clone the mounts of the host in the user namespace' },
  refuse_pinned: { action: () => 'cannot do without the mounts of the host' },
  namespace_open: { action: ({ path }) => `cannot open namespace "${path}"`, known: openCause },
  namespace_join: {
    action: ({ type }) => `cannot join the ${namespaceName(type)} namespace`,
    known: (_, { name }) =>
      name === 'EPERM'
        ? { hint: 'another user namespace owns it: join that too, or run rt with rights in it' }
        : undefined,
  },
  open_time_offsets: { action: () => 'cannot open the clocks of the time namespace' },
  time_namespace: {
    action: ({ offsets }) =>
      offsets === '' ? 'cannot make a time namespace' : 'cannot set the clocks of the time namespace',
    known: timeCause,
  },
  container_user_namespace: {
    action: () => entering,
    known: (_, { name, call }) =>
      name === 'ESTALE' ? { message: `${movedUser} (${call})`, hint: movedHint } : undefined,
  },
  open_process_root: { action: () => entering },
  join_process: {
    action: () => entering,
    known: (_, { name, call }) =>
      name === 'ESTALE' ? { message: `${movedMount} (${call})`, hint: movedHint } : undefined,
  },
  outlive: {
    action: () => entering,
    known: (_, { name }) =>
      name === 'EAGAIN'
        ? { hint: 'the number of processes is limited: see RLIMIT_NPROC of its user, and /proc/sys/kernel/pid_max' }
        : undefined,
  },
  fork_init: {
    action: () => 'cannot enter the pid namespace',
    known(_, { name, call }) {
      if (name === 'EAGAIN') return { hint: 'the pids limit leaves no room for the fork into the pid namespace' };
      if (name !== 'EPERM') return undefined;
      return { hint: `the seccomp profile must allow ${call}(2), or process.noNewPrivileges be true` };
    },
  },
  session_keyring: {
    action: ({ name }) => `cannot make the session keyring "${name}"`,
    known: (_, { name }) =>
      name === 'EDQUOT'
        ? {
            hint: 'its user has as many keys as /proc/sys/kernel/keys allows: raise maxkeys and maxbytes (root_ for root), or use --no-new-keyring',
          }
        : undefined,
  },
  set_hostname: { action: ({ name }) => `cannot set host name "${name}"` },
  set_domainname: { action: ({ name }) => `cannot set domain name "${name}"` },
  sysctl: {
    action: ({ path, value }) => `cannot set "${path.slice('sys/'.length)}" to "${value}"`,
    known: (_, { name }) =>
      name === 'ENOENT'
        ? { hint: 'this kernel has no such sysctl, or the module that has it is not loaded' }
        : undefined,
  },
} satisfies TopicWords;

/** Type of a namespace as in linux.namespaces, from its CLONE_NEW* flag. */
function namespaceName(flag: number): string {
  return Object.entries(CLONE_NEW).find(([, value]) => value === flag)?.[0] ?? 'unknown';
}

/** Types of several namespaces, from their flags. */
function namespaceNames(flags: number): string {
  return Object.entries(CLONE_NEW)
    .flatMap(([name, flag]) => ((flags & flag) === 0 ? [] : [name]))
    .join(', ');
}

/** Why the kernel makes no namespaces (clone(2), unshare(2)); `name` is that of the errno. */
export function cloneHint(name: string): string | undefined {
  switch (name) {
    case 'EPERM':
      return 'making namespaces needs root, or a user namespace that the user may make';
    case 'EINVAL':
      return 'the kernel may lack one of the namespace types in linux.namespaces';
    case 'ENOSPC':
      return 'there are too many namespaces: see /proc/sys/user/max_*_namespaces';
    case 'EMFILE':
      return 'the open-file limit (RLIMIT_NOFILE) may be too low: raise it (ulimit -n)';
    default:
      return undefined;
  }
}

function openCause(
  { path, type, need, from }: Planned<'namespace_open'>,
  { name, call }: Failed<OpCalls['namespace_open']>,
): Known {
  const pointer = `${from}/path`;
  if (name === 'EEXIST') {
    return {
      message: `cannot join namespace "${path}": it is that of the runtime itself, and ${need}`,
      pointer,
      hint: 'remove the path, for a new namespace; or remove the settings that need one',
    };
  }
  if (call === 'ioctl') {
    return {
      message: `cannot join namespace "${path}": it is not a namespace of type ${namespaceName(type)} (${call})`,
      pointer,
      hint: `give a file such as /proc/PID/ns/${fileName(type)}`,
    };
  }
  if (name !== 'ENOENT') return { pointer };
  return { pointer, hint: 'the process that held it may have ended; bind it to a file to keep it' };
}

function fileName(flag: number): string {
  const name = namespaceName(flag);
  return name === 'network' ? 'net' : name === 'mount' ? 'mnt' : name;
}

function timeCause(_: Planned<'time_namespace'>, { name, call }: Failed<OpCalls['time_namespace']>): Known | undefined {
  if (call === 'write' && name === 'ERANGE') {
    return { hint: 'a clock would be negative, or too far in the future: secs is an offset to the clock of the host' };
  }
  if (call === 'write' && name === 'EINVAL') return { hint: 'nanosecs must be less than 1000000000' };
  return name === 'EINVAL'
    ? { hint: 'the kernel may be built without time namespaces: drop {"type": "time"} from linux.namespaces' }
    : undefined;
}
