import { Failure } from '../diag/diagnostic.ts';
import { expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { u32 } from '../diag/bytes.ts';
import { S_IFLNK, S_IFMT, S_IFREG } from '../kernel/files.ts';
import { decodeMessage, messagesOf, textOf } from './protobuf.ts';
import type { Message } from './protobuf.ts';

/** A directory of CRIU images. `path` leads through a descriptor, so it is the same directory every time. */
export interface ImageDirectory {
  readonly path: string;
  readonly names: readonly string[];
}

const largestImage = 64 << 20;
const cgroupImage = 'cgroup.img';
/** The link to the images of an earlier dump. */
const parent = 'parent';
/** Fields of cgroup_entry, cg_set_entry and cg_member_entry. */
const cgroups = { sets: 1, members: 2, path: 2 } as const;
/** They precede the magic numbers of most kinds of images. */
const commonMagics: readonly number[] = [0x5456_4319, 0x5510_5940];

/** Lists an untrusted image directory: only files, and the link to earlier images. */
export function openImages(native: Native, descriptor: number, shown: string): ImageDirectory {
  const path = `/proc/self/fd/${descriptor}`;
  const names = expectResult(
    native.readDirectory(path),
    'images.read',
    `cannot read directory "${shown}"`,
    'getdents64',
  )
    .split('\0')
    .filter((name) => name !== '');
  for (const name of names) {
    const status = native.stat(`${path}/${name}`, 0);
    const kind = typeof status === 'number' ? 0 : (status[0] ?? 0) & S_IFMT;
    if (kind === S_IFREG || (kind === S_IFLNK && name === parent && isRelative(native, `${path}/${name}`))) continue;
    throw new Failure({
      code: 'images.kind',
      message: `cannot restore from "${shown}": ${JSON.stringify(name)} is not a regular file`,
    });
  }
  return { path, names };
}

/** As `checkpoint --parent-path` makes it: criu reads memory there, which could be that of another container. */
function isRelative(native: Native, link: string): boolean {
  const target = native.readLink(link);
  return typeof target === 'string' && !target.startsWith('/');
}

/** The entries of an image: after one or two magic numbers, each preceded by its length. */
export function readImage(native: Native, directory: ImageDirectory, name: string): Message[] {
  const path = `${directory.path}/${name}`;
  const bytes = new Uint8Array(
    expectResult(native.readBytes(path, largestImage), 'images.read', `cannot read image "${name}"`, 'read'),
  );
  const entries: Message[] = [];
  let at = commonMagics.includes(u32(bytes, 0)) ? 8 : 4;
  while (at < bytes.length) {
    const length = u32(bytes, at);
    const entry = at + 4 + length <= bytes.length ? decodeMessage(bytes.subarray(at + 4, at + 4 + length)) : undefined;
    if (entry === undefined) throw damaged(name);
    entries.push(entry);
    at += 4 + length;
  }
  return entries;
}

/** The embedded messages of a field. */
export function messagesIn(message: Message, field: number, image: string): Message[] {
  const found = messagesOf(message, field);
  if (found.length !== (message.get(field)?.length ?? 0)) throw damaged(image);
  return found;
}

/**
 * The embedded message of a field that is not repeated; undefined if there is none. criu writes no second one, and its parser
 * would merge them: what the first one says, the second one could undo.
 */
export function messageIn(message: Message, field: number, image: string): Message | undefined {
  const found = messagesIn(message, field, image);
  if (found.length > 1) throw damaged(image);
  return found[0];
}

/** The single entry of an image. */
export function readSingle(native: Native, directory: ImageDirectory, name: string): Message {
  const [entry] = readImage(native, directory, name);
  if (entry === undefined) throw damaged(name);
  return entry;
}

/**
 * Path of the last cgroup among those of the processes; undefined if they are all in the same. criu writes down every
 * set of cgroups that some process is in, one of each hierarchy.
 */
export function innerCgroupOf(native: Native, directory: ImageDirectory): string | undefined {
  if (!directory.names.includes(cgroupImage)) return undefined;
  const sets = messagesOf(readSingle(native, directory, cgroupImage), cgroups.sets);
  const paths = sets.map((set) => messagesOf(set, cgroups.members).map((one) => textOf(one, cgroups.path) ?? ''));
  const [first, ...others] = paths;
  const other = others.at(-1);
  return other?.find((path, index) => path !== first?.[index]);
}

export function damaged(name: string): Failure {
  return new Failure({ code: 'images.format', message: `image "${name}" is damaged, or from another version of criu` });
}
