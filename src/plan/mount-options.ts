import type { Diagnostic } from '../diag/diagnostic.ts';
import { MOUNT_ATTR, MS } from '../kernel/mounts.ts';
import { parseIdmapOption } from './idmap-option.ts';
import type { IdRanges } from './idmap-option.ts';

/** The parsed options of one mount (names of mount(8); kernel: mount_setattr(2), fsconfig(2)). */
export interface MountOptions {
  bind: boolean;
  recursiveBind: boolean;
  set: number;
  clear: number;
  recursiveSet: number;
  recursiveClear: number;
  /** Flags of the filesystem itself, as fsconfig(2) names them. */
  readonly filesystemFlags: string[];
  /** Options that are not in the table, for the filesystem. */
  readonly data: string[];
  /** Indices of options that have no effect on this kind of mount. */
  readonly withoutEffect: number[];
  readonly propagation: { readonly type: number; readonly recursive: boolean }[];
  /** Words that request an idmapped mount. */
  idmap?: IdmapWord;
  /** A tmpfs starts with a copy of the directory that it covers. */
  copyUp?: boolean;
}

/** `idmap`, alone or with mappings. */
export interface IdmapWord {
  readonly recursive: boolean;
  readonly ranges?: IdRanges;
}

const attributeWords: readonly (readonly [set: string, clear: string, bit: number])[] = [
  ['ro', 'rw', MOUNT_ATTR.RDONLY],
  ['nosuid', 'suid', MOUNT_ATTR.NOSUID],
  ['nodev', 'dev', MOUNT_ATTR.NODEV],
  ['noexec', 'exec', MOUNT_ATTR.NOEXEC],
  ['nodiratime', 'diratime', MOUNT_ATTR.NODIRATIME],
  ['nosymfollow', 'symfollow', MOUNT_ATTR.NOSYMFOLLOW],
  ['noatime', 'atime', MOUNT_ATTR.NOATIME],
  ['strictatime', 'nostrictatime', MOUNT_ATTR.STRICTATIME],
];

const filesystemWords: readonly (readonly [set: string, clear: string | undefined, flag: string])[] = [
  ['sync', 'async', 'sync'],
  ['dirsync', undefined, 'dirsync'],
  ['mand', 'nomand', 'mand'],
  ['lazytime', 'nolazytime', 'lazytime'],
  ['iversion', 'noiversion', 'i_version'],
];

/** The effect of each word. A word with a new effect needs only a member of MountOptions besides. */
const effects: ReadonlyMap<string, (options: MountOptions) => void> = effectsOfWords();

const unsupportedWords: ReadonlyMap<string, string> = new Map([
  ['remount', 'set the options where the mount is first listed'],
]);

function effectsOfWords(): Map<string, (options: MountOptions) => void> {
  const table = new Map<string, (options: MountOptions) => void>();
  for (const recursive of [false, true]) {
    const prefix = recursive ? 'r' : '';
    for (const [set, clear, bit] of attributeWords) {
      table.set(prefix + set, (options) => applyBit(options, true, bit, recursive));
      table.set(prefix + clear, (options) => applyBit(options, false, bit, recursive));
    }
    // Relative access times are the kernel's default: asking for them clears the other modes.
    table.set(`${prefix}relatime`, (options) => applyBit(options, false, MOUNT_ATTR._ATIME, recursive));
    table.set(`${prefix}norelatime`, () => undefined);
    for (const name of ['private', 'slave', 'shared', 'unbindable'] as const) {
      table.set(prefix + name, ({ propagation }) => propagation.push({ type: MS[name], recursive }));
    }
    table.set(`${prefix}bind`, (options) => {
      options.bind = true;
      options.recursiveBind ||= recursive;
    });
    table.set(`${prefix}idmap`, (options) => {
      options.idmap = { ...options.idmap, recursive: recursive || options.idmap?.recursive === true };
    });
  }
  for (const [set, clear, flag] of filesystemWords) {
    table.set(set, ({ filesystemFlags }) => applyFilesystemFlag(filesystemFlags, flag, true));
    if (clear !== undefined)
      table.set(clear, ({ filesystemFlags }) => applyFilesystemFlag(filesystemFlags, flag, false));
  }
  // `silent` and `loud` only steer the kernel's log.
  for (const word of ['silent', 'loud', 'defaults']) table.set(word, () => undefined);
  table.set('tmpcopyup', (options) => (options.copyUp = true));
  return table;
}

/** Every known option, sorted; `features` lists them. */
export function knownMountOptions(): string[] {
  return [...effects.keys()].sort();
}

/** Parses the options of a mount. `pointer` is the mount's, such as `/mounts/3`. */
export function parseMountOptions(
  list: readonly string[],
  isBind: boolean,
  pointer: string,
  faults: Diagnostic[],
): MountOptions {
  const options: MountOptions = {
    bind: isBind,
    recursiveBind: false,
    set: 0,
    clear: 0,
    recursiveSet: 0,
    recursiveClear: 0,
    filesystemFlags: [],
    data: [],
    withoutEffect: [],
    propagation: [],
  };
  list.forEach((word, index) => {
    if (isEmpty(word)) return;
    const effect = effects.get(word);
    const place = `${pointer}/options/${String(index)}`;
    const hint = unsupportedWords.get(word);
    if (effect !== undefined) effect(options);
    else if (hint !== undefined) faults.push(unsupported(word, place, hint));
    else addData(options, word, place, faults);
  });
  if (options.bind) setAsideTmpfsOptions(options, list);
  if (options.bind) {
    const cause = 'bind mounts cannot have any filesystem-specific options applied';
    refuseFilesystemOptions(options, list, pointer, cause, faults);
  }
  return options;
}

/** Empty, or empty parts between commas: joining lists by commas produces them (Podman 5). */
function isEmpty(word: string): boolean {
  return /^,*$/.test(word);
}

/** An option of the filesystem, or `idmap=` with mappings. */
function addData(options: MountOptions, word: string, pointer: string, faults: Diagnostic[]): void {
  const mapped = /^(r?)idmap=(.*)$/.exec(word);
  if (mapped === null) {
    options.data.push(word);
    return;
  }
  const ranges = parseIdmapOption(mapped[2] ?? '', word, pointer, faults);
  options.idmap = { recursive: mapped[1] === 'r' || options.idmap?.recursive === true, ranges };
}

function unsupported(word: string, pointer: string, hint: string): Diagnostic {
  return { code: 'mount.option.unsupported', message: `mount option "${word}" is not supported`, pointer, hint };
}

/** The later word wins. A new filesystem starts without any of them. */
function applyFilesystemFlag(flags: string[], flag: string, set: boolean): void {
  const at = flags.indexOf(flag);
  if (at >= 0) flags.splice(at, 1);
  if (set) flags.push(flag);
}

/** The last option wins; the access-time modes share one field, so choosing one clears the others. */
function applyBit(options: MountOptions, set: boolean, bit: number, recursive: boolean): void {
  const field = bit & MOUNT_ATTR._ATIME ? MOUNT_ATTR._ATIME : bit;
  const setKey = recursive ? 'recursiveSet' : 'set';
  const clearKey = recursive ? 'recursiveClear' : 'clear';
  if (set) {
    options[setKey] = (options[setKey] & ~field) | bit;
    options[clearKey] &= ~field;
  } else {
    options[setKey] &= ~field;
    options[clearKey] |= field;
  }
}

/**
 * mount(2) ignores the data of a bind mount, so configs may contain the options of a former tmpfs. Any other option may
 * be a misspelt protection.
 */
function setAsideTmpfsOptions(options: MountOptions, list: readonly string[]): void {
  const isTmpfsOption = (word: string): boolean => /^(mode|size|uid|gid|nr_blocks|nr_inodes)=/.test(word);
  list.forEach((word, index) => {
    if (isTmpfsOption(word)) options.withoutEffect.push(index);
  });
  const kept = options.data.filter((word) => !isTmpfsOption(word));
  options.data.splice(0, options.data.length, ...kept);
}

/**
 * For a mount that its filesystem does not make alone: names the first option that only the filesystem could interpret.
 */
export function refuseFilesystemOptions(
  options: MountOptions,
  list: readonly string[],
  pointer: string,
  cause: string,
  faults: Diagnostic[],
): void {
  if (options.data.length === 0 && options.filesystemFlags.length === 0) return;
  const flagOf = (word: string): string | undefined =>
    filesystemWords.find(([set, clear]) => word === set || word === clear)?.[2];
  const isData = (word: string): boolean =>
    options.data.includes(word) || options.filesystemFlags.includes(flagOf(word) ?? '');
  const index = list.findIndex(isData);
  faults.push({
    code: 'mount.option.bind',
    message: `cannot use mount option "${list[index] ?? ''}": ${cause}`,
    pointer: `${pointer}/options/${String(index)}`,
    hint: 'the option may be misspelt, or belong to the filesystem of the source',
  });
}
