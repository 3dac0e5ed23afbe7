import { MOUNT_ATTR } from '../kernel/mounts.ts';

/** A mount of a process: a line of its mountinfo (proc_pid_mountinfo(5)). */
export interface SeenMount {
  readonly id: string;
  readonly parent: string;
  readonly device: string;
  /** What of its filesystem is mounted. */
  readonly root: string;
  readonly path: string;
  readonly type: string;
  /** MOUNT_ATTR_RDONLY, NOSUID, NODEV and NOEXEC. A read-only filesystem sets RDONLY, too. */
  readonly flags: number;
}

/** Bytes of a mountinfo that are read. */
export const largestTable = 16 << 20;
const flagOf: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR.RDONLY,
  nosuid: MOUNT_ATTR.NOSUID,
  nodev: MOUNT_ATTR.NODEV,
  noexec: MOUNT_ATTR.NOEXEC,
};

/** The mounts of a mountinfo. */
export function mountsIn(text: string): SeenMount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', parent = '', device = '', root = '', target = '', options = ''] = line.split(' ');
      const [type = '', , superOptions = ''] = line.slice(line.indexOf(' - ') + 3).split(' ');
      const flags = flagsOf(options) | (flagsOf(superOptions) & MOUNT_ATTR.RDONLY);
      return { id, parent, device, root: unescaped(root), path: unescaped(target), type, flags };
    });
}

function flagsOf(options: string): number {
  return options.split(',').reduce((flags, word) => flags | (flagOf[word] ?? 0), 0);
}

/** Blanks and backslashes are escaped as octal numbers. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

/** The topmost mount on a path. */
export function mountOn(mounts: readonly SeenMount[], path: string): SeenMount | undefined {
  const stack = mounts.filter((mount) => mount.path === path);
  return stack.find(({ id }) => !stack.some(({ parent }) => parent === id)) ?? stack.at(-1);
}
