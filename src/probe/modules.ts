import type { Native } from '../host/native.ts';

const maximumSize = 8 << 20;

/** Whether the kernel would load a module for a filesystem type by itself: it asks for the alias fs-TYPE (modules.alias). */
export function isLoadable(native: Native, type: string): boolean {
  const release = native.kernel().split('\0')[0] ?? '';
  const aliases = native.readText(`/lib/modules/${release}/modules.alias`, maximumSize);
  // To kmod(8) both signs are one.
  const name = type.replaceAll('_', '-');
  return (
    typeof aliases === 'string' &&
    aliases
      .split('\n')
      .some((line) => line.startsWith('alias fs') && line.split(' ')[1]?.replaceAll('_', '-') === `fs-${name}`)
  );
}
