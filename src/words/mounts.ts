import type { OpCalls } from '../../schema/generated/ops.ts';
import { OPEN_TREE_FLAGS } from '../../schema/generated/ops.ts';
import { meantFilesystem, meantParameter, parameterValues } from '../plan/filesystems.ts';
import { notifyOrigin } from '../plan/notify.ts';
import { idmapCause } from './idmap.ts';
import { coversProc, deniedPlace, missingDevice, missingSource, plainHint } from './place.ts';
import { rootCause } from './root.ts';
import { hinted } from './words.ts';
import type { Failed, Known, Planned, TopicWords } from './words.ts';

export const mountWords = {
  open_tree: { action: ({ path }) => `cannot open "${path}"`, known: treeCause },
  idmap_tree: { action: () => 'cannot idmap the mount', known: idmapCause },
  open_filesystem: {
    essential: true,
    action: ({ type, source }) => `cannot mount ${type} from "${source}"`,
  },
  mount_filesystem: {
    essential: true,
    action: ({ type, destination }) => `cannot mount ${type} on "${destination}"`,
    known: filesystemCause,
  },
  mount_bind: {
    essential: true,
    action: ({ source, destination }) => `cannot mount "${source}" on "${destination}"`,
    known: bindCause,
  },
  mount_attributes: { action: () => 'cannot set the options of a mount' },
  mount_propagation: { action: () => 'cannot set the propagation of a mount' },
  remove_mount: {
    essential: true,
    action: ({ destination }) => `cannot remove the mount on "${destination}"`,
    known({ destination }, { name }) {
      if (name === 'ELOOP') return { hint: plainHint };
      if (name !== 'EINVAL') return undefined;
      return { message: `cannot remove the mount on "${destination}": nothing is mounted there` };
    },
  },
  open_mount: { action: ({ destination }) => `cannot open the mount on "${destination}"` },
  unmount: { action: () => 'cannot unmount' },
  make_mount_point: { action: ({ path }) => `cannot make the mount point "${path}"` },
  make_directory: {
    action: ({ path }) => `cannot make directory "${path}"`,
    known: (_, failed) => deniedPlace(failed),
  },
  make_link: {
    action: ({ path }) => `cannot make link "${path}"`,
    known: ({ path, target }, { name }) =>
      name === 'EEXIST'
        ? {
            message: `cannot make link "${path}" to "${target}": something else is there (symlinkat)`,
            hint: 'remove it from the image, or drop the option copy-symlink',
          }
        : undefined,
  },
  mask_path: { action: ({ path }) => `cannot mask "${path}"` },
  readonly_path: { action: ({ path }) => `cannot make "${path}" read-only` },
} satisfies TopicWords;

/** Every op of a bind refers to the mount; the missing path is its source. */
function treeCause({ from, path, flags }: Planned<'open_tree'>, failed: Failed): Known | undefined {
  if (from === '/root/path') return rootCause(path, failed);
  if (failed.name === 'ELOOP' && (flags & OPEN_TREE_FLAGS.inRoot) !== 0) {
    const hint = 'in earlier mounts of the config, links are not followed: give the path without symbolic links';
    return { pointer: `${from}/source`, hint };
  }
  if (failed.name !== 'ENOENT') return undefined;
  return from.startsWith('/mounts/')
    ? { pointer: `${from}/source`, hint: missingSource }
    : { pointer: from, hint: missingDevice };
}

function filesystemCause(
  { type, destination }: Planned<'mount_filesystem'>,
  failed: Failed<OpCalls['mount_filesystem']>,
): Known | undefined {
  const { name, call, detail } = failed;
  if (name === 'ENODEV' && call === 'fsopen') return unknownFilesystem(type, destination);
  const [, parameter] = /Unknown parameter '([^']*)'/.exec(detail) ?? [];
  if (parameter !== undefined) return hinted(meantParameter(type, parameter));
  const [, valued] = /Bad value for '([^']*)'/.exec(detail) ?? [];
  if (valued !== undefined) return hinted(parameterValues(type, valued));
  if ((name === 'ELOOP' || name === 'ENOTDIR') && (type === 'proc' || type === 'sysfs')) {
    return {
      message: `filesystem "${type}" must be mounted on ordinary directory: "${destination}" is not one (${name})`,
    };
  }
  if (name === 'EPERM' && call === 'fstatfs') return coversProc(destination);
  if (call === 'copy') return copyCause(name);
  if (name === 'ELOOP') return { hint: plainHint };
  if (name === 'EPERM' && type !== 'proc' && type !== 'sysfs') {
    return {
      hint: `a user namespace, or rt without CAP_SYS_ADMIN, may not mount ${type}: mount it on the host and bind it`,
    };
  }
  const place = name === 'EPERM' ? { proc: '/proc', sysfs: '/sys' }[type] : undefined;
  return place === undefined
    ? deniedPlace(failed)
    : {
        hint: `a user namespace may only show what it owns, and sees unhidden; bind "${place}" of the host with rbind`,
      };
}

function unknownFilesystem(type: string, destination: string): Known {
  return {
    message: `cannot mount ${type} on "${destination}": no such device: the kernel has no filesystem "${type}" (fsopen)`,
    hint: meantFilesystem(type) ?? 'see /proc/filesystems: a module may have to be loaded',
  };
}

function copyCause(name: string): Known | undefined {
  if (name === 'ENOSPC') {
    return { hint: 'the tmpfs is too small for what it covers: raise its option size, or drop tmpcopyup' };
  }
  return name === 'ELOOP' ? { hint: 'the directory is nested too deep to be copied: drop tmpcopyup' } : undefined;
}

/** Always in the same words: Docker explains "not a directory", and takes "is a directory" for a fault of the program. */
function mismatch({ source, destination }: Planned<'mount_bind'>, name: 'ENOTDIR' | 'EISDIR'): string {
  const [from, to] = name === 'EISDIR' ? ['a file', 'a directory'] : ['a directory', 'a file'];
  return `cannot mount "${source}" (${from}) on "${destination}" (${to}): not a directory`;
}

function bindCause(op: Planned<'mount_bind'>, failed: Failed<OpCalls['mount_bind']>): Known | undefined {
  const { name, call } = failed;
  if (op.from === notifyOrigin)
    return { hint: 'NOTIFY_SOCKET is in the environment: unset it, or allow its mount point to be made' };
  if (name === 'EMEDIUMTYPE') {
    return { message: `cannot bind "${op.source}" on "/proc": the source is not the root of a procfs` };
  }
  if (name === 'ELOOP') return { hint: plainHint };
  if (name === 'ENOTDIR' || name === 'EISDIR') {
    const hint = 'source and destination must both be directories, or neither';
    if (call === 'open_tree') return { pointer: `${op.from}/source` };
    return call === 'move_mount' ? { message: mismatch(op, name), hint } : { hint };
  }
  if (call === 'open_tree' && name === 'ENOENT') return { pointer: `${op.from}/source`, hint: missingSource };
  if (call === 'open_tree' && name === 'EINVAL') {
    return { hint: 'mounts below the source hide parts of it, which a user namespace must not reveal: use rbind' };
  }
  if (name === 'EPERM' && call === 'fstatfs') return coversProc(op.destination);
  if (name === 'EPERM' && call === 'mount_setattr') {
    return { hint: 'the mount of the host has flags that a user namespace must not clear, such as ro or nosuid' };
  }
  return deniedPlace(failed);
}
