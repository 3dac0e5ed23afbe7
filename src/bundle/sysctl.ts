/**
 * A kernel parameter as a path below /proc/sys, as sysctl(8) reads it: the first separator, slash or dot, is that of
 * the name, and the other character stands for a dot in a part of it (`net.ipv4.conf.eth0/1.forwarding`). Undefined
 * when it does not name a file below a directory of /proc/sys.
 */
export function sysctlPath(name: string): string | undefined {
  const path = /[./]/.exec(name)?.[0] === '.' ? name.replaceAll(/[./]/g, swapped) : name;
  const parts = path.split('/');
  return parts.length > 1 && parts.every((part) => part !== '' && part !== '.' && part !== '..') ? path : undefined;
}

function swapped(character: string): string {
  return character === '/' ? '.' : '/';
}
