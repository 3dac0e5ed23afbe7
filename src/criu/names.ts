import { utf8Text } from '../diag/bytes.ts';
import { Failure } from '../diag/diagnostic.ts';
import { printable } from '../diag/printable.ts';
import type { Native } from '../host/native.ts';
import { isBelow } from '../bundle/path.ts';
import { O_CREAT, O_TRUNC } from '../kernel/open-flags.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import { pathWithoutLinks } from './destinations.ts';
import { messageIn, readImage } from './images.ts';
import type { ImageDirectory } from './images.ts';
import { byteText, bytesOf, numberOf } from './protobuf.ts';
import type { Message } from './protobuf.ts';

const image = 'files.img';
/** Field numbers of file_entry, reg_file_entry and unix_sk_entry. */
const file = { regular: 3, socket: 16 } as const;
const regular = { flags: 2, name: 6 } as const;
const socket = { name: 11, directory: 14 } as const;
/** The kernel does not show them of an open file. */
const changing = O_CREAT | O_TRUNC;
/** In procfs: links to wherever the descriptors of a process lead. */
const magic = /^\/(?:self|thread-self)(?:\/|$)|\/(?:fd|map_files|ns)\/|\/(?:cwd|root|exe)(?:\/|$)/;
/** A link that init makes. */
const descriptors = '/dev/fd';

/**
 * Throws if a name in the images leads out of the container. criu opens the files, and makes, removes and gives away what it
 * needs for them, with its own privileges, in processes whose descriptors lead to directories of the host: a name through
 * /proc/self/fd, or through a link to there, would be one of the host. Links in a new filesystem cannot be seen yet.
 */
export function requireNames(
  native: Native,
  directory: ImageDirectory,
  rootfs: string,
  mounts: readonly PlannedMount[],
): void {
  const known = new Set<string>();
  for (const entry of readImage(native, directory, image)) {
    const open = messageIn(entry, file.regular, image);
    const bound = messageIn(entry, file.socket, image);
    for (const bytes of [open && bytesOf(open, regular.name), bound && pathOf(bound)]) {
      const name = bytes === undefined ? '' : utf8Text(bytes);
      if (bytes === undefined || known.has(name)) continue;
      known.add(name);
      const isText = byteText(name) === Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
      if (isText && isInside(native, rootfs, mounts, name)) continue;
      throw differs(`the file "${printable(name)}" is not one of the container`);
    }
    if (open === undefined || ((numberOf(open, regular.flags) ?? 0) & changing) === 0) continue;
    throw differs('a file would be made or emptied');
  }
}

/** Undefined for a socket that is not bound to a file. */
function pathOf(bound: Message): Uint8Array | undefined {
  const name = bytesOf(bound, socket.name);
  if (name === undefined || name.length === 0 || name[0] === 0) return undefined;
  const end = name.indexOf(0);
  const path = end < 0 ? name : name.subarray(0, end);
  const above = bytesOf(bound, socket.directory);
  return path[0] === slash || above === undefined ? path : Uint8Array.from([...above, slash, ...path]);
}

const slash = 0x2f;

function isInside(native: Native, rootfs: string, mounts: readonly PlannedMount[], name: string): boolean {
  // The names of open files have none, and few of sockets do; behind a link that cannot be seen it could lead anywhere.
  if (name.split('/').includes('..')) return false;
  let isAstray = false;
  pathWithoutLinks(native, rootfs, mounts, name, (step) => {
    isAstray ||= (step !== descriptors && isBelow(step, descriptors)) || mounts.some((mount) => isMagic(mount, step));
  });
  return !isAstray;
}

function isMagic({ type, path }: PlannedMount, step: string): boolean {
  return type === 'proc' && isBelow(step, path) && magic.test(step.slice(path.length));
}

function differs(what: string): Failure {
  return new Failure({ code: 'images.differ', message: `the images do not fit config.json: ${what}` });
}
