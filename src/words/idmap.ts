import type { Failed, Known, Planned } from './words.ts';

/** Filesystems of volumes and images, by magic number (statfs(2)). */
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

/** The detail is the magic number of the filesystem that refused. */
export function idmapCause(op: Planned<'idmap_tree'>, { name, detail }: Failed): Known {
  const type = filesystems[detail] ?? `0x${detail}`;
  if (name === 'EINVAL') {
    // mount_setattr(2) does not reveal which of the mounts it was.
    const which = op.recursive ? `its filesystem, ${type}, or that of a mount below it,` : `its filesystem, ${type},`;
    return {
      message: `cannot idmap the mount: ${which} has no idmapped mounts in this kernel, or is idmapped already (mount_setattr)`,
      hint: op.recursive
        ? 'use idmap instead of ridmap to exclude the mounts below; or change the owners of the files'
        : 'remove idmap and the mappings of the mount and change the owners of the files, or use another filesystem',
    };
  }
  return name === 'EPERM'
    ? {
        message: `cannot idmap the mount: rt has no rights over its filesystem, ${type} (mount_setattr)`,
        hint: 'it was mounted in an ancestor user namespace; run rt as root there',
      }
    : { pointer: op.from };
}
