import type { NamespaceType } from '../../schema/generated/config.ts';

/** System V IPC parameters, of which each ipc namespace has its own: ipc_namespaces(7). */
const ipcParameters = [
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
];

/**
 * The type of namespace that has its own value of the parameter, for a path of sysctlPath; undefined: only the host has
 * one.
 */
export function sysctlNamespace(path: string): NamespaceType | undefined {
  if (ipcParameters.includes(path) || path.startsWith('fs/mqueue/')) return 'ipc';
  if (path.startsWith('net/')) return 'network';
  if (path === 'kernel/hostname' || path === 'kernel/domainname') return 'uts';
  return path.startsWith('user/') ? 'user' : undefined;
}

/**
 * A kernel parameter as a path below /proc/sys, as sysctl(8) reads it: the first slash or dot determines the separator
 * of the name, and the other character stands for a dot within a part (`net.ipv4.conf.eth0/1.forwarding`). Undefined if
 * it does not name a file below a directory of /proc/sys.
 */
export function sysctlPath(name: string): string | undefined {
  const path = /[./]/.exec(name)?.[0] === '.' ? name.replaceAll(/[./]/g, swapped) : name;
  const parts = path.split('/');
  return parts.length > 1 && parts.every((part) => part !== '' && part !== '.' && part !== '..') ? path : undefined;
}

function swapped(character: string): string {
  return character === '/' ? '.' : '/';
}
