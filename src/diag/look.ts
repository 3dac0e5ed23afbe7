import type { Native } from '../host/native.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../kernel/files.ts';
import { ENOENT } from '../kernel/errno.ts';
import { O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY } from '../kernel/open-flags.ts';
import { MOUNT_ATTR } from '../kernel/mounts.ts';
import { CAPABILITIES } from '../kernel/processes.ts';
import { hasInterpreter } from './binfmt.ts';
import { mountOf, pathOnHost } from './host-path.ts';
import { statusFields, maximumStatus } from './process-status.ts';

/** What is at a path, as one process sees it. Paths are those without symbolic links. */
export type Sight =
  | { readonly kind: 'file' | 'directory' | 'special'; readonly path: string; readonly file: File }
  | {
      readonly kind: 'missing';
      readonly path: string;
      /** The symbolic link of which the target is missing, and its text. */
      readonly link?: Link;
      /** The name that is missing as the path has it: what leads there may be links. */
      readonly written?: string;
    }
  /** The process may not enter this directory. */
  | { readonly kind: 'closed'; readonly path: string; readonly file: File }
  /** It is no directory, but the path leads through it. */
  | { readonly kind: 'no directory'; readonly path: string }
  /** A symbolic link, one of more than the kernel follows. */
  | { readonly kind: 'loop'; readonly path: string }
  | { readonly kind: 'unknown' };

type Link = readonly [path: string, target: string];

export interface File {
  readonly mode: number;
  /** Those of the host. */
  readonly uid: number;
  readonly gid: number;
  /** The beginning, if it is a regular file that somebody may execute, and can be read. */
  readonly head: Uint8Array | undefined;
  /** The mount point, if programs on it cannot be executed. */
  readonly noexec: string | undefined;
  /** Whether the process may execute it. */
  readonly executable: boolean;
  /** The path of the host for what the process may not execute, if it is known and another one. */
  readonly host?: string | undefined;
  /** Names in a directory, not all of a large one: they are compared one by one. */
  readonly names: readonly string[];
}

/** Explains failures by a look at the files that a process sees. */
export interface Look {
  /** Whether the files are those of the host, not of a container. */
  readonly isHost: boolean;
  /** `from`: the directory of a relative path. */
  readonly at: (path: string, from?: string) => Sight;
  /** The user of the process, as on the host. */
  readonly user: () => string;
  /** The machine of uname(2). */
  readonly machine: () => string;
  /** Whether binfmt_misc has an interpreter for a file with this path and head. */
  readonly isInterpreted: (path: string, head: Uint8Array) => boolean;
  /** What the runtime itself sees. */
  readonly outside: () => Look;
  /** What nobody is refused to see in a root filesystem of the host, before its mounts are made. */
  readonly into: (root: string) => Prospect;
}

const ownRoot = '/proc/self/root';
const maximumLinks = 40;
/** PATH_MAX of linux/limits.h. */
const longestPath = 4096;
const headSize = 1024;
const mostNames = 8192;
const executeAny = 0o111;
const permissions = 0o7777;

/** From where a look goes. */
interface Eyes {
  /** Leads to the root; the kernel follows it. */
  readonly root: string;
  /** Whose mount table has the mounts. */
  readonly pid: number | 'self';
  /** Undefined: unknown, so nothing counts as refused. */
  readonly rights: () => Rights | undefined;
  /** Mounts that have yet to be made, by their mount points. */
  readonly mounts: Map<string, Mounted>;
}

/**
 * The files that the process `pid` sees, which has to live on. Nothing of them is followed or executed: each step opens
 * one name in one directory (O_PATH, O_NOFOLLOW), so no link of a container leads to the host.
 */
export function lookInto(native: Native, pid: number | 'self'): Look {
  let rights: Rights | undefined;
  return lookThrough(native, {
    root: `/proc/${pid}/root`,
    pid,
    rights: () => (rights ??= readRights(native, pid)),
    mounts: new Map(),
  });
}

function lookThrough(native: Native, eyes: Eyes): Look {
  return {
    isHost: eyes.root === ownRoot,
    at: (path, from = '/') => lookAt(native, eyes, path.startsWith('/') ? path : `${from}/${path}`, false),
    user: () => {
      const { uid, gid } = eyes.rights() ?? { uid: 0, gid: 0 };
      return `${uid}:${gid}`;
    },
    machine: () => native.kernel().split('\0')[1] ?? '',
    isInterpreted: (path, head) => hasInterpreter(native, path, head),
    outside: () => lookInto(native, 'self'),
    into: (root) => lookAhead(native, root, undefined),
  };
}

/** A mount of a container that has yet to be made. */
export interface Mounted {
  /** Path on the host of what is bound; undefined for a filesystem that does not exist yet. */
  readonly source: string | undefined;
  /** Nothing is in that filesystem but what is mounted there later. */
  readonly isEmpty?: boolean;
  /** Undefined: as the source. */
  readonly noexec: boolean | undefined;
}

/** The files that a container will see. */
export interface Prospect extends Look {
  /** Makes a mount, and returns what is at its destination before. */
  readonly mount: (destination: string, mounted: Mounted) => Sight;
}

/** As lookInto, for a container that has yet to be made from the root filesystem `root`; its mounts follow. */
export function lookAhead(native: Native, root: string, rights: Rights | undefined): Prospect {
  const eyes: Eyes = { root, pid: 'self', rights: () => rights, mounts: new Map() };
  return {
    ...lookThrough(native, eyes),
    mount: (destination, mounted) => {
      const sight = lookAt(native, { ...eyes, rights: () => undefined }, destination, true);
      if (sight.kind === 'unknown' || sight.kind === 'no directory' || sight.kind === 'loop') return sight;
      for (const at of eyes.mounts.keys()) if (isWithin(at, sight.path)) eyes.mounts.delete(at);
      eyes.mounts.set(sight.path, mounted);
      return sight;
    },
  };
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The ids and rights of a process, as on the host. */
export interface Rights {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly capabilities: bigint;
  /** Host ids that are mapped in its user namespace: first and number. */
  readonly mapped: readonly (readonly [first: number, count: number])[];
}

function readRights(native: Native, pid: number | 'self'): Rights {
  const status = statusFields(native, pid);
  const field = (name: string): string[] => status(name).split(/\s+/);
  const map = native.readText(`/proc/${pid}/uid_map`, maximumStatus);
  return {
    uid: Number(field('Uid')[1]),
    gid: Number(field('Gid')[1]),
    groups: field('Groups').map(Number),
    capabilities: BigInt(`0x${field('CapEff')[0] || '0'}`),
    mapped: (typeof map === 'string' ? map : '')
      .trim()
      .split('\n')
      .map((line) => {
        const [, first = 0, count = 0] = line.trim().split(/\s+/).map(Number);
        return [first, count] as const;
      }),
  };
}

/** Whether the process may execute a file, or enter a directory: path_resolution(7), capabilities(7). */
function mayExecute(native: Native, rights: Rights | undefined, { fd, status }: Step): boolean {
  // With an access control list the bits of the mode are not all: acl(5).
  return rights === undefined || allows(rights, status) || native.hasAttribute(`/proc/self/fd/${fd}`, accessList) > 0;
}

const accessList = 'system.posix_acl_access';

function allows(
  { uid, gid, groups, capabilities, mapped }: Rights,
  [mode = 0, owner = 0, group = 0]: readonly number[],
): boolean {
  const isDirectory = (mode & S_IFMT) === S_IFDIR;
  const privileged =
    ((capabilities >> BigInt(CAPABILITIES.CAP_DAC_OVERRIDE)) & 1n) === 1n ||
    (isDirectory && ((capabilities >> BigInt(CAPABILITIES.CAP_DAC_READ_SEARCH)) & 1n) === 1n);
  const isMapped = mapped.some(([first, count]) => owner >= first && owner < first + count);
  if (privileged && isMapped) return isDirectory || (mode & executeAny) !== 0;
  const shift = owner === uid ? 6 : group === gid || groups.includes(group) ? 3 : 0;
  return ((mode >> shift) & 1) !== 0;
}

interface Step {
  /** -1: a directory that is made for a mount, or an empty one that is mounted. */
  readonly fd: number;
  readonly path: string;
  readonly status: readonly number[];
}

const made: Step = { fd: -1, path: '', status: [S_IFDIR | 0o755] };

const emptyDirectory: File = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  head: undefined,
  noexec: undefined,
  executable: true,
  names: [],
};

/** Opens without following a link, unless `follow`; [status, ...] or a negative errno. */
type Open = (name: string, follow: boolean) => Step | number;

/** `making`: as for the destination of a mount, of which everything that is missing is made. */
function lookAt(native: Native, eyes: Eyes, path: string, making: boolean): Sight {
  const opened: number[] = [];
  const open: Open = (name, follow) => {
    const fd = native.open(name, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0) return fd;
    opened.push(fd);
    const status = native.statAt(fd, '');
    return typeof status === 'number' ? status : { fd, path: '', status };
  };
  try {
    return walk(native, eyes, path, making, open);
  } finally {
    for (const fd of opened) native.close(fd);
  }
}

/** What is at `name` in a directory, or mounted there. Undefined: not known yet. */
function enter(
  eyes: Eyes,
  top: Step,
  path: string,
  name: string,
  making: boolean,
  open: Open,
): Step | number | undefined {
  const mounted = eyes.mounts.get(path);
  if (mounted?.isEmpty === true) return made;
  if (mounted !== undefined) return mounted.source === undefined ? undefined : open(mounted.source, true);
  const step = top.fd < 0 ? -ENOENT : open(`/proc/self/fd/${top.fd}/${name}`, false);
  const isMade = step === -ENOENT && (making || [...eyes.mounts.keys()].some((at) => isWithin(at, path)));
  return isMade ? made : step;
}

function walk(native: Native, eyes: Eyes, path: string, making: boolean, open: Open): Sight {
  const mounted = eyes.mounts.get('/');
  if (mounted !== undefined && mounted.source === undefined) return { kind: 'unknown' };
  // The kernel takes no such path, and there may be very many steps.
  if (path.length >= longestPath) return { kind: 'unknown' };
  const root = open(mounted?.source ?? eyes.root, true);
  if (typeof root === 'number') return { kind: 'unknown' };
  let way: Step[] = [root];
  const names = path.split('/');
  let rest = names;
  /** With how many names follow each: the others are those of its target. */
  const followed: { readonly link: Link; readonly after: number }[] = [];
  for (let links = 0; rest.length > 0;) {
    const [name = '', ...others] = rest;
    rest = others;
    const top = way.at(-1) ?? root;
    if (name === '' || name === '.') continue;
    if (((top.status[0] ?? 0) & S_IFMT) !== S_IFDIR) return { kind: 'no directory', path: top.path };
    if (!mayExecute(native, eyes.rights(), top)) {
      return { kind: 'closed', path: top.path || '/', file: fileOf(native, eyes, top) };
    }
    if (name === '..') {
      if (way.length > 1) way.pop();
      continue;
    }
    const here = `${top.path}/${name}`;
    const step = enter(eyes, top, here, name, making, open);
    if (step === -ENOENT) {
      const link = followed.findLast(({ after }) => rest.length >= after)?.link;
      return { kind: 'missing', path: here, ...(link === undefined ? { written: before(names, rest) } : { link }) };
    }
    if (step === undefined || typeof step === 'number') return { kind: 'unknown' };
    if (((step.status[0] ?? 0) & S_IFMT) !== S_IFLNK) {
      way.push({ ...step, path: here });
      continue;
    }
    const target = native.readLink(`/proc/self/fd/${top.fd}/${name}`);
    if (typeof target === 'number') return { kind: 'unknown' };
    if (++links > maximumLinks) return { kind: 'loop', path: here };
    followed.push({ link: [here, target], after: rest.length });
    if (target.startsWith('/')) way = [root];
    rest = [...target.split('/'), ...rest];
  }
  const found = way.at(-1) ?? root;
  if (found.fd < 0) {
    return eyes.mounts.get(found.path)?.isEmpty === true
      ? { kind: 'directory', path: found.path, file: emptyDirectory }
      : { kind: 'missing', path: found.path };
  }
  const type = (found.status[0] ?? 0) & S_IFMT;
  const kind = type === S_IFREG ? 'file' : type === S_IFDIR ? 'directory' : 'special';
  return { kind, path: found.path || '/', file: fileOf(native, eyes, found) };
}

function before(names: readonly string[], rest: readonly string[]): string {
  return names.slice(0, names.length - rest.length).join('/');
}

function fileOf(native: Native, eyes: Eyes, step: Step): File {
  const { fd, path, status } = step;
  const [mode = 0, uid = 0, gid = 0] = status;
  const type = mode & S_IFMT;
  const executable = mayExecute(native, eyes.rights(), step);
  const isRefused = !executable || (type === S_IFREG && (mode & executeAny) === 0);
  const names = type === S_IFDIR ? native.readDirectory(`/proc/self/fd/${fd}`) : '';
  return {
    mode: mode & permissions,
    uid,
    gid,
    head: type === S_IFREG && (mode & executeAny) !== 0 ? headOf(native, fd) : undefined,
    noexec: noexecOf(native, eyes, fd, path),
    executable,
    ...(isRefused ? { host: hostPath(native, eyes, step) } : {}),
    names: typeof names === 'string' ? names.split('\0', mostNames).filter(Boolean) : [],
  };
}

function headOf(native: Native, fd: number): Uint8Array | undefined {
  // Only a program is opened, through the descriptor of what was examined: files of procfs and tracefs are regular, too,
  // but reading some of them blocks, or takes what another process should read.
  const readable = native.open(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  if (readable < 0) return undefined;
  const bytes = native.readFdBytes(readable, headSize);
  native.close(readable);
  return typeof bytes === 'number' ? undefined : new Uint8Array(bytes);
}

/** By which path of the host one reaches what is open, if that is another than `path`. */
function hostPath(native: Native, eyes: Eyes, { fd, path, status }: Step): string | undefined {
  if (eyes.root === ownRoot) return undefined;
  if (eyes.pid !== 'self') return pathOnHost(native, eyes.pid, fd, path, status);
  const [at, mounted] = mountAbove(eyes, path) ?? ['', { source: eyes.root }];
  return mounted.source === undefined ? undefined : mounted.source + (at === '/' ? path : path.slice(at.length));
}

function mountAbove({ mounts }: Eyes, path: string): readonly [at: string, mounted: Mounted] | undefined {
  return [...mounts]
    .filter(([point]) => isWithin(path || '/', point))
    .sort(byLength)
    .at(-1);
}

/** The mount point of the file if its mount has the option noexec. */
function noexecOf(native: Native, eyes: Eyes, fd: number, path: string): string | undefined {
  const [at, mounted] = mountAbove(eyes, path) ?? [];
  if (mounted?.noexec === undefined) return noexecAt(native, eyes.pid, fd);
  return mounted.noexec ? at : undefined;
}

const byLength = ([one]: readonly [string, Mounted], [other]: readonly [string, Mounted]): number =>
  one.length - other.length;

/** Of the mounts that exist: proc_pid_mountinfo(5). */
function noexecAt(native: Native, pid: number | 'self', fd: number): string | undefined {
  const mount = mountOf(native, pid, fd);
  return mount !== undefined && (mount.flags & MOUNT_ATTR.NOEXEC) !== 0 ? mount.path : undefined;
}

/** `"/opt/app" (0700, owner 0:0)`. */
export function shownFile(path: string, { mode, uid, gid }: Pick<File, 'mode' | 'uid' | 'gid'>): string {
  return `"${path}" (${mode.toString(8).padStart(4, '0')}, owner ${uid}:${gid})`;
}

/** The words, with the colon before them, for a directory that the process may not enter. */
export function closedCause(path: string, file: File, look: Look): { readonly words: string; readonly hint: string } {
  return {
    words: `: ${shownFile(path, file)} may not be entered by user ${look.user()}`,
    hint: `chmod o+x "${file.host ?? path}", or give it to that user`,
  };
}

/** Why the process may not read what is at a path: the folder that it may not enter, or the file. Undefined if it may. */
export function denialOf(look: Look, path: string): { readonly words: string; readonly hint?: string } | undefined {
  const sight = look.at(path);
  if (sight.kind === 'closed') return closedCause(sight.path, sight.file, look);
  return sight.kind === 'file'
    ? { words: `: ${shownFile(sight.path, sight.file)}, and the user is ${look.user()}` }
    : undefined;
}
