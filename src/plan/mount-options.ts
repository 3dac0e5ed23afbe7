import { MOUNT_FILESYSTEM_FLAGS } from '../../schema/generated/ops.ts';
import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { askNearest } from '../diag/near.ts';
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
  /** A word sets or clears a flag of the top mount or of its filesystem. */
  hasFlags: boolean;
  /** One of them chooses access times. */
  hasTimes: boolean;
  /** Options that have no effect. */
  readonly warnings: Diagnostic[];
  readonly propagation: { readonly type: number; readonly recursive: boolean }[];
  /** Words that request an idmapped mount. */
  idmap?: IdmapWord;
  /** Words of `newFilesystemWords`. */
  readonly ofNewFilesystem: NewFilesystemWord[];
  /** A source that is a symbolic link is made again at the destination (crun). */
  copyLink?: boolean;
  /** Symbolic links that are not followed, but mounted, or mounted on (crun). */
  nofollow?: { readonly source: boolean; readonly destination: boolean };
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

/** They have a recursive form, as in crun, although a filesystem has its flags for all of its mounts. */
const filesystemWords: readonly (readonly [set: string, clear: string | undefined, flag: string])[] = [
  ['sync', 'async', 'sync'],
  ['dirsync', undefined, 'dirsync'],
  ['mand', 'nomand', 'mand'],
  ['lazytime', 'nolazytime', 'lazytime'],
  ['iversion', 'noiversion', 'i_version'],
];

/** A word for what the helper does to a new filesystem of one type. */
export interface NewFilesystemWord {
  readonly word: string;
  readonly type: string;
  /** Of the operation mount_filesystem. */
  readonly flags: number;
}

const newFilesystemWords: readonly NewFilesystemWord[] = [
  // A tmpfs starts with a copy of the directory that it covers, and with its owner unless there is an option for that.
  { word: 'tmpcopyup', type: 'tmpfs', flags: MOUNT_FILESYSTEM_FLAGS.copyUp | MOUNT_FILESYSTEM_FLAGS.inheritOwner },
];

const timeBits = MOUNT_ATTR._ATIME | MOUNT_ATTR.NODIRATIME;

/** Words by which mount(8) decides who may mount, and the attributes that they imply. */
const permissionWords: readonly (readonly [words: readonly string[], bits: readonly number[]])[] = [
  [
    ['user', 'users'],
    [MOUNT_ATTR.NOSUID, MOUNT_ATTR.NODEV, MOUNT_ATTR.NOEXEC],
  ],
  [
    ['owner', 'group'],
    [MOUNT_ATTR.NOSUID, MOUNT_ATTR.NODEV],
  ],
];

/** Words that mount(8) keeps for itself, and that change nothing for a mount that a config lists. */
const ownWords = ['auto', 'noauto', 'nouser', 'nousers', 'noowner', 'nogroup', '_netdev', 'defaults'];

/** The effect of each word. A word with a new effect needs only a member of MountOptions besides. */
const effects: ReadonlyMap<string, (options: MountOptions) => void> = effectsOfWords();

const unsupportedWords: ReadonlyMap<string, string> = new Map([
  ['remount', 'set the options where the mount is first listed'],
]);

const wholeWords = ['nofail', ...unsupportedWords.keys()].join('|');
/** The beginning, or all, of a word that is neither a flag nor an option of the filesystem. One expression is fast. */
const specialWord = new RegExp(`^(?:$|,|[xX]-|comment=|u?helper=|r?idmap=|(?:${wholeWords})$)`);

function effectsOfWords(): Map<string, (options: MountOptions) => void> {
  const table = new Map<string, (options: MountOptions) => void>();
  for (const recursive of [false, true]) {
    const prefix = recursive ? 'r' : '';
    for (const [set, clear, bit] of attributeWords) {
      table.set(prefix + set, (options) => {
        applyBit(options, true, bit, recursive);
        noteFlag(options, recursive, (bit & timeBits) !== 0);
      });
      table.set(prefix + clear, (options) => {
        applyBit(options, false, bit, recursive);
        noteFlag(options, recursive, false);
      });
    }
    // Relative access times are the kernel's default: asking for them clears the other modes.
    table.set(`${prefix}relatime`, (options) => {
      applyBit(options, false, MOUNT_ATTR._ATIME, recursive);
      noteFlag(options, recursive, true);
    });
    table.set(`${prefix}norelatime`, (options) => noteFlag(options, recursive, false));
    for (const [set, clear, flag] of filesystemWords) {
      for (const word of clear === undefined ? [set] : [set, clear]) {
        table.set(prefix + word, (options) => {
          applyFilesystemFlag(options.filesystemFlags, flag, word === set);
          noteFlag(options, recursive, false);
        });
      }
    }
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
  // They only steer the kernel's log.
  for (const word of ['silent', 'loud']) table.set(word, (options) => noteFlag(options, false, false));
  for (const [words, bits] of permissionWords) {
    for (const word of words) {
      table.set(word, (options) => {
        for (const bit of bits) applyBit(options, true, bit, false);
        noteFlag(options, false, false);
      });
    }
  }
  for (const word of ownWords) table.set(word, () => undefined);
  for (const entry of newFilesystemWords) table.set(entry.word, (options) => options.ofNewFilesystem.push(entry));
  table.set('copy-symlink', (options) => (options.copyLink = true));
  table.set('src-nofollow', (options) => {
    options.nofollow = { source: true, destination: options.nofollow?.destination === true };
  });
  table.set('dest-nofollow', (options) => {
    options.nofollow = { source: options.nofollow?.source === true, destination: true };
  });
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
    hasFlags: false,
    hasTimes: false,
    warnings: [],
    propagation: [],
    ofNewFilesystem: [],
  };
  list.forEach((word, index) => {
    const effect = effects.get(word);
    if (effect !== undefined) effect(options);
    else if (specialWord.test(word)) addSpecial(options, word, `${pointer}/options/${String(index)}`, faults);
    else options.data.push(word);
  });
  if (options.copyLink === true || options.nofollow !== undefined) refuseLinkOptions(options, pointer, faults);
  if (options.bind && isForFilesystem(options)) {
    setAsideFilesystemOptions(options, list, pointer);
    const cause = 'bind mounts cannot have any filesystem-specific options applied';
    refuseFilesystemOptions(options, list, pointer, cause, faults);
  }
  return options;
}

/** What `create` would refuse or warn of in the options of all mounts, on every host. */
export function mountOptionFindings({ mounts = [] }: Config): {
  readonly faults: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
} {
  const faults: Diagnostic[] = [];
  const warnings = mounts.flatMap(({ options = [], type }, index) => {
    return parseMountOptions(options, type === 'bind', `/mounts/${index}`, faults).warnings;
  });
  return { faults, warnings };
}

/** Whether it has words for a filesystem, which a bind mount does not make. */
function isForFilesystem({ filesystemFlags, data, ofNewFilesystem }: MountOptions): boolean {
  return filesystemFlags.length + data.length + ofNewFilesystem.length > 0;
}

/** For options with at least one of the three words. */
function refuseLinkOptions({ bind, copyLink, nofollow }: MountOptions, pointer: string, faults: Diagnostic[]): void {
  const refuse = (message: string, hint: string): void => {
    faults.push({ code: 'mount.option.links', message, pointer: `${pointer}/options`, hint });
  };
  if (copyLink === true && nofollow !== undefined)
    refuse('mount option "copy-symlink" excludes "src-nofollow" and "dest-nofollow"', 'keep one of them');
  if (!bind)
    refuse('mount options "copy-symlink", "src-nofollow" and "dest-nofollow" are for bind mounts', 'drop them');
}

/**
 * The attributes that a bind mount does not take from its source, besides those that it sets. With any word for a flag
 * it takes none but the access times, and these only if no word chooses them: the kernel's rule for MS_REMOUNT with
 * MS_BIND (mount(2)), by which other runtimes set flags.
 */
export function clearedInBind({ set, clear, hasFlags, hasTimes }: MountOptions): number {
  if (!hasFlags) return clear;
  const { RDONLY, NOSUID, NODEV, NOEXEC, NOSYMFOLLOW, NODIRATIME, _ATIME } = MOUNT_ATTR;
  const times = hasTimes ? NODIRATIME | (set & _ATIME ? 0 : _ATIME) : 0;
  return clear | ((RDONLY | NOSUID | NODEV | NOEXEC | NOSYMFOLLOW | times) & ~set);
}

/** The attributes of a new filesystem. A recursive word counts more, as for the top mount of a bind. */
export function attributesOfNew({ set, recursiveSet, recursiveClear }: MountOptions): number {
  const times = recursiveSet & MOUNT_ATTR._ATIME ? MOUNT_ATTR._ATIME : 0;
  return (set & ~(recursiveClear | times)) | recursiveSet;
}

/** Empty, or empty parts between commas: joining lists by commas produces them (Podman 5). */
function isEmpty(word: string): boolean {
  return /^,*$/.test(word);
}

/** A word that matches `specialWord`. */
function addSpecial(options: MountOptions, word: string, pointer: string, faults: Diagnostic[]): void {
  const mapped = /^(r?)idmap=([^]*)$/.exec(word);
  const hint = unsupportedHint(word);
  if (mapped !== null) {
    const ranges = parseIdmapOption(mapped[2] ?? '', word, pointer, faults);
    options.idmap = { recursive: mapped[1] === 'r' || options.idmap?.recursive === true, ranges };
  } else if (hint !== undefined) faults.push(unsupported(word, pointer, hint));
  else if (word === 'nofail') options.warnings.push(withoutEffect(word, pointer, ': a mount that fails is an error'));
  else if (word.startsWith(',') && !isEmpty(word)) options.data.push(word);
}

function unsupportedHint(word: string): string | undefined {
  // Mount points are made anyway; others change what is mounted.
  if (word.startsWith('X-mount.') && word !== 'X-mount.mkdir')
    return 'prepare the source instead; uidMappings and gidMappings map its owners';
  return unsupportedWords.get(word);
}

function noteFlag(options: MountOptions, recursive: boolean, choosesTimes: boolean): void {
  if (recursive) return;
  options.hasFlags = true;
  options.hasTimes ||= choosesTimes;
}

function withoutEffect(word: string, pointer: string, why: string): Diagnostic {
  return { code: 'mount.option.ineffective', message: `mount option "${word}" has no effect${why}`, pointer };
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
 * mount(2) ignores the flags of the filesystem and the data of a bind mount, so configs may contain them and the options
 * of a former tmpfs. Any other option may be a misspelt protection.
 */
function setAsideFilesystemOptions(options: MountOptions, list: readonly string[], pointer: string): void {
  const isTmpfsOption = (word: string): boolean => /^(mode|size|uid|gid|nr_blocks|nr_inodes)=/.test(word);
  list.forEach((word, index) => {
    const isSetAside =
      isTmpfsOption(word) || isFilesystemFlag(options, word) || newFilesystemWords.some((entry) => entry.word === word);
    if (!isSetAside) return;
    options.warnings.push(withoutEffect(word, `${pointer}/options/${String(index)}`, ' on a bind mount'));
  });
  options.filesystemFlags.length = 0;
  const kept = options.data.filter((word) => !isTmpfsOption(word));
  options.data.splice(0, options.data.length, ...kept);
}

/** A word for a flag that no later word has cleared. */
function isFilesystemFlag({ filesystemFlags }: MountOptions, word: string): boolean {
  return filesystemWords.some(
    ([set, , flag]) => (word === set || word === `r${set}`) && filesystemFlags.includes(flag),
  );
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
  const index = list.findIndex((word) => options.data.includes(word) || isFilesystemFlag(options, word));
  if (index < 0) return;
  const word = list[index] ?? '';
  faults.push({
    code: 'mount.option.bind',
    message: `cannot use mount option "${word}": ${cause}`,
    pointer: `${pointer}/options/${String(index)}`,
    hint: meantOption(word) ?? 'the option may be misspelt, or belong to the filesystem of the source',
  });
}

/** The options in one word, which may be a list. A backslash may precede a comma of a path. */
export function optionsIn(word: string): string[] {
  return word.includes(',') && !word.includes('\\') ? word.split(',').filter(Boolean) : [word];
}

/** Words for the shortest options, for which no other word is close. */
const meantByShort: readonly (readonly [word: string, meant: RegExp])[] = [
  ['ro', /^(?:ro.|or|read-?only)$/i],
  ['rw', /^(?:rw.|wr|read-?write)$/i],
];

/** The cure for a word that looks like an option of this table, or one of `more`. */
export function meantOption(word: string, more: readonly string[] = []): string | undefined {
  const short = meantByShort.find(([, meant]) => meant.test(word));
  if (short !== undefined) return `write ${short[0]}`;
  const parts = word.split(',');
  if (parts.length > 1) return `write each option by itself: ${parts.map((part) => JSON.stringify(part)).join(', ')}`;
  if (effects.has(word)) return `write ${word} as an option by itself, without a comma`;
  const [name = ''] = word.split('=');
  return askNearest(name, [...more, ...knownMountOptions()], (meant) => meant + word.slice(name.length));
}
