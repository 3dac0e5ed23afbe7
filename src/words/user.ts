import type { OpCalls } from '../../schema/generated/ops.ts';
import type { Failed, Known, Planned, TopicWords } from './words.ts';

export const userWords = {
  user_namespace: { action: () => 'cannot make a user namespace', known: userNamespaceCause },
  check_id_maps: {
    action: () => 'the mappings are not those of the joined user namespace',
    known: (_, { detail }) => ({
      message: 'linux.uidMappings and linux.gidMappings are not those of the joined user namespace',
      hint: `it maps ${mapWords(detail)}; remove the mappings, or give the same`,
    }),
  },
  become_root: {
    action: () => 'cannot become root of the user namespace',
    known(_, { name, call }) {
      if (name === 'EINVAL') return { hint: 'its maps have no id 0: the container cannot be set up without root' };
      return name === 'EPERM' && call === 'setgroups'
        ? { hint: 'setgroups(2) is forbidden in it: /proc/PID/setgroups contains deny' }
        : undefined;
    },
  },
  set_user: { action: ({ uid, gid }) => `cannot become user ${uid}:${gid}`, known: userCause },
} satisfies TopicWords;

function userNamespaceCause(
  op: Planned<'user_namespace'>,
  { name, call, detail }: Failed<OpCalls['user_namespace']>,
): Known | undefined {
  const owner = op.from.startsWith('/linux') ? '/linux' : op.from;
  if (call === 'clone3' || call === 'unshare') return { hint: creationHint(name) };
  if (call === 'newuidmap') {
    const kind = detail.startsWith('newgidmap') ? 'gid' : 'uid';
    return {
      message: `cannot write linux.${kind}Mappings: ${detail.trim()}`,
      pointer: `${owner}/${kind}Mappings`,
      hint: `give the user that runs rt a range in /etc/sub${kind} that contains the hostIDs, or map only your own id`,
    };
  }
  return call === 'write' ? mapCause(owner, detail === 'gid_map' ? 'gid' : 'uid', name, call) : undefined;
}

function creationHint(name: string): string {
  if (name === 'ENOSPC' || name === 'EUSERS') {
    return 'there are too many user namespaces, or they are nested too deep: see /proc/sys/user/max_user_namespaces';
  }
  return name === 'EPERM'
    ? 'the host forbids user namespaces (see /proc/sys/kernel/unprivileged_userns_clone and apparmor_restrict_unprivileged_userns), or rt runs in a chroot'
    : 'the kernel may be built without user namespaces';
}

function mapCause(owner: string, kind: 'uid' | 'gid', name: string, call: string): Known {
  const field = `${owner.slice(1).replaceAll('/', '.')}.${kind}Mappings`;
  const pointer = `${owner}/${kind}Mappings`;
  return name === 'EPERM'
    ? {
        message: `cannot write ${field}: operation not permitted (${call})`,
        pointer,
        hint: `every hostID must be mapped in the user namespace that rt runs in: see /proc/self/${kind}_map`,
      }
    : {
        message: `cannot write ${field}: the kernel does not accept them (${call})`,
        pointer,
        hint: 'ranges must not overlap; at most 340 are allowed, whose text must be smaller than a page',
      };
}

function userCause(op: Planned<'set_user'>, { name, call }: Failed<OpCalls['set_user']>): Known | undefined {
  if (name === 'EPERM' && call === 'setgroups') {
    return {
      message: 'cannot set any additional groups in a rootless container',
      pointer: '/process/user/additionalGids',
      hint: 'setgroups(2) is forbidden in its user namespace',
    };
  }
  if (name !== 'EINVAL') return undefined;
  const hint = 'the id is not mapped in its user namespace: see /proc/PID/uid_map and gid_map';
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

/** Numbers of /proc/PID/uid_map, truncated if there are many. */
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
