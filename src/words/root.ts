import type { Failed, Words } from './words.ts';

const openingRoot = {
  essential: true,
  action: ({ path }: { readonly path: string }) => `invalid rootfs: cannot open "${path}"`,
  known: ({ path }: { readonly path: string }, failed: Failed) => ({
    message: `invalid rootfs: cannot open "${path}": ${rootCause(failed)}`,
  }),
} as const;

export const rootWords: Words<
  'set_propagation' | 'open_root' | 'open_root_directory' | 'hold_root' | 'pivot_root' | 'move_root' | 'chroot'
> = {
  set_propagation: { action: () => 'cannot set propagation' },
  open_root: openingRoot,
  open_root_directory: openingRoot,
  hold_root: openingRoot,
  pivot_root: {
    essential: true,
    action: () => 'cannot pivot root',
    known: (_, { name }) =>
      name === 'EINVAL' ? { hint: 'the initial ramfs cannot be replaced: use --no-pivot' } : undefined,
  },
  move_root: { action: () => 'cannot move the root filesystem over that of the host' },
  chroot: { action: () => 'cannot chroot' },
};

function rootCause({ name, text }: Failed): string {
  return name === 'ELOOP' ? 'it is a symbolic link' : text;
}
