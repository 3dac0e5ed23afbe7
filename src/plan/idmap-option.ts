import type { IdMapping } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';

/** One range of a mapping in a mount option. */
export interface IdRange extends IdMapping {
  /** `hostID` is an id of the container's user namespace. */
  readonly relative: boolean;
}

export interface IdRanges {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** Maximum number of lines of a map, user_namespaces(7). */
const maximumLines = 340;
const maximumId = 4294967294;

/**
 * Parses the value of `idmap=`: `uids=FILE-HOST-LENGTH[#...];gids=...`, see crun(1). FILE is the first id on the
 * filesystem, HOST its id on the host or, with `@` before the range, in the container.
 */
export function parseIdmapOption(text: string, word: string, pointer: string, faults: Diagnostic[]): IdRanges {
  const maps: { uids?: IdRange[]; gids?: IdRange[] } = {};
  for (const part of text.split(';')) {
    const [, kind, list = ''] = /^(uids|gids)=(.*)$/.exec(part) ?? [];
    const ranges = list.split('#').map(parseRange);
    const good = ranges.filter((range) => range !== undefined);
    if ((kind !== 'uids' && kind !== 'gids') || maps[kind] !== undefined || good.length !== ranges.length) {
      return refuse(word, pointer, faults);
    }
    maps[kind] = good;
  }
  const { uids = [], gids = [] } = maps;
  if (uids.length > maximumLines || gids.length > maximumLines) return refuse(word, pointer, faults);
  return { uids, gids };
}

function parseRange(text: string): IdRange | undefined {
  const [, at = '', first = '', second = '', length = ''] = /^(@?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(text) ?? [];
  const [containerID, hostID, size] = [Number(first), Number(second), Number(length)];
  if (length === '' || size === 0) return undefined;
  if (containerID + size - 1 > maximumId || hostID + size - 1 > maximumId) return undefined;
  return { containerID, hostID, size, relative: at === '@' };
}

function refuse(word: string, pointer: string, faults: Diagnostic[]): IdRanges {
  faults.push({
    code: 'mount.idmap',
    message: `cannot read the mappings of mount option "${word}"`,
    pointer,
    hint: 'write idmap=uids=0-100000-1000;gids=0-100000-1000: first id of the files, first id on the host, length; further ranges after "#"',
  });
  return { uids: [], gids: [] };
}

/**
 * The mappings with host ids. A relative range that crosses lines of the container's mappings is split; `unmapped` is
 * the first range with an id that is not mapped in the container.
 */
export function absoluteRanges(
  ranges: readonly IdRange[],
  own: readonly IdMapping[],
): { mappings: IdMapping[]; unmapped: IdRange | undefined } {
  const mappings: IdMapping[] = [];
  let unmapped: IdRange | undefined;
  for (const range of ranges) {
    if (!range.relative) {
      mappings.push({ containerID: range.containerID, hostID: range.hostID, size: range.size });
      continue;
    }
    let done = 0;
    while (done < range.size) {
      const id = range.hostID + done;
      const line = own.find(({ containerID, size }) => id >= containerID && id < containerID + size);
      if (line === undefined) {
        unmapped ??= range;
        break;
      }
      const offset = id - line.containerID;
      const size = Math.min(range.size - done, line.size - offset);
      mappings.push({ containerID: range.containerID + done, hostID: line.hostID + offset, size });
      done += size;
    }
  }
  return { mappings, unmapped };
}
