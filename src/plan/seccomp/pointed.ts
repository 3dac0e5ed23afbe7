import { SOCKET_FAMILIES } from '../../kernel/call-flags.ts';

/** What arguments of a call point to, undefined if that cannot be read. */
export interface Pointed {
  /** The string, of at most 128 bytes, that begins `offset` bytes after the address which an argument is. */
  readonly string: (index: number, offset?: number) => string | undefined;
  /** Exactly `size` bytes, at most 4096. */
  readonly bytes: (index: number, size: number) => Uint8Array | undefined;
}

/** struct open_how of openat2(2). */
export interface OpenHow {
  readonly flags: bigint;
  readonly mode: bigint;
  readonly resolve: bigint;
}

/** struct sockaddr of bind(2), as far as it is known. */
export interface SocketAddress {
  readonly family: number;
  /** Of the internet. */
  readonly port: number | undefined;
  readonly words: string;
}

/** Soft and hard, struct rlimit64 of prlimit(2). */
export interface Limits {
  readonly soft: bigint;
  readonly hard: bigint;
}

export const unlimited = 0xffff_ffff_ffff_ffffn;

export function openHowAt(pointed: Pointed, index: number): OpenHow | undefined {
  const numbers = numbersAt(pointed, index, 3);
  if (numbers === undefined) return undefined;
  const [flags = 0n, mode = 0n, resolve = 0n] = numbers;
  return { flags, mode, resolve };
}

export function limitsAt(pointed: Pointed, index: number): Limits | undefined {
  const numbers = numbersAt(pointed, index, 2);
  if (numbers === undefined) return undefined;
  const [soft = 0n, hard = 0n] = numbers;
  return { soft, hard };
}

function numbersAt({ bytes }: Pointed, index: number, count: number): bigint[] | undefined {
  const found = bytes(index, count * 8);
  if (found === undefined) return undefined;
  const view = new DataView(found.buffer, found.byteOffset);
  return Array.from({ length: count }, (_, at) => view.getBigUint64(at * 8, true));
}

const familySize = 2;
/** struct sockaddr_in, ip(7); struct sockaddr_in6, ipv6(7). */
const addressSizes = { INET: 16, INET6: 28 } as const;

/** `size` is its length in bytes, the argument after it. */
export function socketAddressAt(pointed: Pointed, index: number, size: number): SocketAddress | undefined {
  const { INET, INET6, UNIX } = SOCKET_FAMILIES;
  const head = size < familySize ? undefined : pointed.bytes(index, familySize);
  if (head === undefined) return undefined;
  const family = (head[0] ?? 0) | ((head[1] ?? 0) << 8);
  if (family === UNIX) return { family, port: undefined, words: unixWords(pointed, index, size) };
  const needed = family === INET ? addressSizes.INET : addressSizes.INET6;
  const bytes = (family === INET || family === INET6) && size >= needed ? pointed.bytes(index, needed) : undefined;
  if (bytes === undefined) {
    const name = Object.entries(SOCKET_FAMILIES).find((entry) => entry[1] === family)?.[0];
    return { family, port: undefined, words: `AF_${name ?? String(family)}` };
  }
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  const host = family === INET ? bytes.subarray(4, 8).join('.') : `[${groups(bytes.subarray(8, 24))}]`;
  return { family, port, words: `${host}:${port}` };
}

/** unix(7): a path, a name in the abstract namespace, with @ in place of its NUL, or none. */
function unixWords(pointed: Pointed, index: number, size: number): string {
  const first = size === familySize ? undefined : pointed.bytes(index, familySize + 1)?.[familySize];
  if (first === undefined) return 'AF_UNIX';
  const [start, mark] = first === 0 ? [familySize + 1, '@'] : [familySize, ''];
  return JSON.stringify(mark + (pointed.string(index, start) ?? '').slice(0, size - start));
}

/** RFC 5952: the longest run of zeros, the first of several, is `::`. */
function groups(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  );
  const all = words.join(':');
  const runs = all.match(/(?<=^|:)0(:0)+(?=:|$)/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return all;
  const at = all.search(new RegExp(`(?<=^|:)${longest}(?=:|$)`));
  const before = all.slice(0, at).replace(/:$/, '');
  return `${before}::${all.slice(at + longest.length).replace(/^:/, '')}`;
}
