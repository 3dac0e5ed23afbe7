import { expectIfPresent } from '../../diag/system.ts';
import type { Native } from '../../host/native.ts';
import { ENODEV, EOPNOTSUPP } from '../../kernel/errno.ts';
import type { BlkioEntry, Count, Pressure, PressureLine } from './types.ts';

const maximumFile = 1 << 20;
/** Disabled features of this host, such as pressure, still have their files. */

/** Reads the files of a container's cgroups in the kernel's formats. A missing file counts as empty. */
export class StatFiles {
  private readonly native: Native;
  private readonly directoryOf: (controller: string) => string | undefined;

  constructor(native: Native, directoryOf: (controller: string) => string | undefined) {
    this.native = native;
    this.directoryOf = directoryOf;
  }

  text(file: string): string {
    const directory = this.directoryOf(file.slice(0, file.indexOf('.')));
    if (directory === undefined) return '';
    const path = `${directory}/${file}`;
    const text = this.native.readText(path, maximumFile);
    if (text === -ENODEV || text === -EOPNOTSUPP) return '';
    return (expectIfPresent(text, 'stats.read', `cannot read "${path}"`, 'read') ?? '').trim();
  }

  has(file: string): boolean {
    const directory = this.directoryOf(file.slice(0, file.indexOf('.')));
    if (directory === undefined) return false;
    const path = `${directory}/${file}`;
    return expectIfPresent(this.native.stat(path, 0), 'stats.read', `cannot look at "${path}"`, 'stat') !== undefined;
  }

  /** A file of one number; 0 if it is missing or contains `max`. */
  count(file: string): Count {
    return parseCount(this.text(file)) ?? 0;
  }

  /** A file of numbers separated by blanks. */
  counts(file: string): Count[] {
    return words(this.text(file)).map((word) => parseCount(word) ?? 0);
  }

  /** A file of lines `name number`, sorted by name. */
  table(file: string): Record<string, Count> {
    const entries = rows(this.text(file)).map(([name = '', value = '']) => [name, parseCount(value) ?? 0] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Lines of a file, each split into words. */
  rows(file: string): string[][] {
    return rows(this.text(file));
  }

  /** A list of numbers and ranges, `0-2,5`. */
  numbers(file: string): number[] {
    return this.text(file)
      .split(',')
      .filter((part) => part !== '')
      .flatMap((part) => {
        const [first = 0, last = first] = part.split('-').map(Number);
        return Array.from({ length: last - first + 1 }, (_, index) => first + index);
      });
  }

  /** Undefined if the kernel does not record pressure. */
  pressure(file: string): Pressure | undefined {
    const lines = this.rows(file);
    if (lines.length === 0) return undefined;
    return { some: pressureLine(lines, 'some'), full: pressureLine(lines, 'full') };
  }

  /** The page sizes of the files `hugetlb.SIZE.` + `suffix`. */
  pageSizes(suffix: string): string[] {
    const directory = this.directoryOf('hugetlb');
    if (directory === undefined) return [];
    const names = this.native.readDirectory(directory);
    const text = expectIfPresent(names, 'stats.read', `cannot read directory "${directory}"`, 'getdents64') ?? '';
    const found = text.split('\0').map((name) => /^hugetlb\.([0-9]+[KMG]B)\.(.*)$/.exec(name));
    return found.flatMap((match) => (match?.[1] !== undefined && match[2] === suffix ? [match[1]] : [])).sort();
  }
}

function pressureLine(lines: readonly string[][], kind: string): PressureLine {
  const values = new Map(
    (lines.find(([name]) => name === kind) ?? []).slice(1).map((part) => part.split('=') as [string, string]),
  );
  const average = (name: string): number => Number(values.get(name) ?? 0);
  return {
    avg10: average('avg10'),
    avg60: average('avg60'),
    avg300: average('avg300'),
    total: parseCount(values.get('total') ?? '') ?? 0,
  };
}

function rows(text: string): string[][] {
  return text === '' ? [] : text.split('\n').map(words);
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Undefined for text that is not a number, such as `max`. */
export function parseCount(text: string): Count | undefined {
  if (!/^-?[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** Undefined for 0, which runc omits. */
export function nonZero(value: Count): Count | undefined {
  return Number(value) === 0 ? undefined : value;
}

export function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function times(value: Count, factor: number): Count {
  const product = Number(value) * factor;
  return Number.isSafeInteger(product) ? product : BigInt(value) * BigInt(factor);
}

export function sum(a: Count, b: Count): Count {
  const total = Number(a) + Number(b);
  return Number.isSafeInteger(total) ? total : BigInt(a) + BigInt(b);
}

export function blkioEntry(device: string, op: string | undefined, value: Count): BlkioEntry {
  const [major = 0, minor = 0] = device.split(':').map(Number);
  return { major: nonZero(major), minor: nonZero(minor), op, value: nonZero(value) };
}
