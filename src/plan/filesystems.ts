import type { Config } from '../../schema/generated/config.ts';
import { each } from '../bundle/rule.ts';
import type { Report } from '../bundle/rule.ts';
import { didYouMean } from '../diag/near.ts';
import { shown } from '../diag/pointer.ts';
import { meantOption, optionsIn, parseMountOptions } from './mount-options.ts';

/** Those that configs name, so those that may be meant. */
const usual =
  'bind bpf btrfs cgroup cgroup2 devpts ext4 fuse hugetlbfs mqueue nfs overlay proc squashfs sysfs tmpfs xfs'.split(
    ' ',
  );

const others =
  '9p autofs binder binfmt_misc ceph cifs configfs cpuset debugfs devtmpfs erofs exfat ext2 ext3 f2fs fuseblk iso9660 ' +
  'nfs4 ntfs ntfs3 nfsd pstore ramfs securityfs selinuxfs smb3 tracefs ubifs udf vfat virtiofs zfs';

/** The question for a filesystem that no kernel is known to have; undefined if none is close. */
export function meantFilesystem(type: string): string | undefined {
  if (usual.includes(type) || others.split(' ').includes(type)) return undefined;
  return type === 'procfs' ? 'did you mean proc?' : didYouMean(type, usual);
}

type Shape = 'flag' | 'any' | 'text' | 'number' | 'octal' | 'size';

/** What may follow the name of an option, and the words for it. */
const shapes: Readonly<Record<Shape, readonly [values: RegExp, words: string]>> = {
  flag: [/^$/, 'it takes no value'],
  any: [/^/, ''],
  text: [/^=./, 'it needs a value'],
  number: [/^=(?:0x[\da-f]+|\d+)$/i, 'give a number'],
  octal: [/^=[0-7]+$/, 'give an octal mode, such as 1777'],
  size: [/^=(?:0x[\da-f]+|\d+)[kmgtpe]?%?$/i, 'give a number, or one with a suffix k, m, g or, for size, %'],
};

/** The options of a filesystem. */
type Shapes = Readonly<Partial<Record<string, Shape>>>;

/** Options of the filesystems of the kernel that most configs mount, by their types: those of Linux 6.18. */
const parametersOf: Readonly<Partial<Record<string, Shapes>>> = {
  tmpfs: {
    size: 'size',
    nr_blocks: 'size',
    nr_inodes: 'size',
    mode: 'octal',
    uid: 'number',
    gid: 'number',
    huge: 'text',
    mpol: 'text',
    noswap: 'flag',
    inode32: 'flag',
    inode64: 'flag',
    casefold: 'any',
    quota: 'flag',
    usrquota: 'flag',
    grpquota: 'flag',
    strict_encoding: 'flag',
    usrquota_block_hardlimit: 'size',
    usrquota_inode_hardlimit: 'size',
    grpquota_block_hardlimit: 'size',
    grpquota_inode_hardlimit: 'size',
  },
  devpts: { uid: 'number', gid: 'number', mode: 'octal', ptmxmode: 'octal', newinstance: 'flag', max: 'number' },
  proc: { hidepid: 'text', gid: 'number', subset: 'text', pidns: 'text' },
  sysfs: {},
  mqueue: {},
};

/** Options of every filesystem: those of the kernel itself, and of its security modules. */
const ofEvery = /^(?:ro|rw|a?sync|dirsync|(?:no)?(?:mand|lazytime)|source|\w*context|smackfs\w*|seclabel)$/;

/** The cure for a word that the kernel does not know as an option of a filesystem of that type. */
export function meantParameter(type: string, word: string): string | undefined {
  return meantOption(word, Object.keys(parametersOf[type] ?? {}));
}

/** The values of an option that filesystems of that type have. */
export function parameterValues(type: string, name: string): string | undefined {
  const shape = parametersOf[type]?.[name];
  return shape === undefined ? undefined : shapes[shape][1];
}

/** The options of filesystems that the kernel will refuse. `surely`: only those that no version of it can know. */
export function filesystemOptions({ mounts }: Config, report: Report, surely: boolean): void {
  each(mounts, ({ type = '', options: list = [] }, index) => {
    const known = parametersOf[type];
    const { bind, data } = parseMountOptions(list, false, `/mounts/${index}`, []);
    if (bind || known === undefined) return;
    for (const word of data) {
      const place = `/mounts/${index}/options/${list.indexOf(word)}`;
      for (const option of optionsIn(word)) checkOption(type, known, option, place, report, surely);
    }
  });
}

function checkOption(
  type: string,
  known: Shapes,
  option: string,
  place: string,
  report: Report,
  surely: boolean,
): void {
  const name = option.replace(/=[^]*/, '');
  if (ofEvery.test(name)) return;
  const shape = known[name];
  if (shape === undefined) {
    const meant = meantParameter(type, option);
    if (!surely || meant !== undefined)
      report('mount.option.unknown', place, `${type} has no option ${shown(option)}`, meant);
    return;
  }
  const [values, words] = shapes[shape];
  if (values.test(option.slice(name.length))) return;
  report('mount.option.value', place, `${type} does not take the value in the option ${shown(option)}`, words);
}
