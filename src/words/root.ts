import type { Failed, Known, TopicWords } from './words.ts';

const openingRoot = {
  essential: true,
  action: ({ path }: { readonly path: string }) => `invalid rootfs: cannot open "${path}"`,
  known: ({ path }: { readonly path: string }, failed: Failed) => rootCause(path, failed),
} as const;

export const missingRoot = 'create it, or set root.path';

export const rootWords = {
  set_propagation: { action: () => 'cannot set propagation' },
  open_root: openingRoot,
  open_root_directory: openingRoot,
  hold_root: openingRoot,
  pivot_root: {
    essential: true,
    action: () => 'cannot pivot root',
    known: (_, { name, call }) =>
      call === 'setns'
        ? { hint: 'rt needs CAP_SYS_CHROOT, as exec does' }
        : name === 'EINVAL'
          ? { hint: 'the initial ramfs cannot be replaced: use --no-pivot' }
          : undefined,
  },
  move_root: { action: () => 'cannot move the root filesystem over that of the host' },
  chroot: { action: () => 'cannot chroot' },
} satisfies TopicWords;

/** Why the root filesystem cannot be opened; `detail` is the target of a symbolic link. */
export function rootCause(path: string, { name, text, detail, call }: Failed): Known {
  const message = (cause: string): string => `invalid rootfs: cannot open "${path}": ${cause}`;
  if (name === 'ENOENT') return { message: message(text), hint: missingRoot };
  if (name !== 'ELOOP') return { message: message(name === 'EPERM' ? `${text} (${call})` : text) };
  return {
    message: message(`it is a symbolic link${detail === '' ? '' : ` to "${detail}"`}`),
    hint: 'set root.path to the directory itself, which nobody can exchange by changing a link',
  };
}
