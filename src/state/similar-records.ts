import type { ContainerCgroup } from '../plan/cgroup/record.ts';
import type { HeldRoot } from './held-root.ts';
import type { BriefRecord, ContainerRecord } from './record.ts';

/** Where no two records are alike, models are no use. */
const mostModels = 16;
/** PID_MAX_LIMIT of linux/threads.h. */
const largestPid = 4_194_304;
const unitEnd = '.scope';
const ringStart = '_ses.';

/**
 * Reads the records of many containers. To parse and check one takes long, but on one host they are alike, and it is
 * quick to see that a text is that of a checked record but for a few values, whose forms are checked. Such a text is that
 * of a valid record. Any other has to be read as a whole.
 */
export class SimilarRecords {
  private model: Model | undefined;
  private models = 0;

  /** Undefined if the record is not certain to be valid. */
  read(root: HeldRoot, id: string): BriefRecord | undefined {
    return this.model === undefined ? undefined : similarRecord(root, id, this.model);
  }

  /** Learns from a record that has been checked. */
  learn(record: ContainerRecord): void {
    if (this.models >= mostModels) return;
    this.model = modelOf(record) ?? this.model;
    this.models += 1;
  }
}

/** The text of similar records. */
interface Model {
  /** Of `matchAt` (Native). */
  readonly pattern: ArrayBuffer;
  /** Indices among its values. */
  readonly at: Readonly<Record<Name, number>>;
  /** The names of the annotations, whose values follow each other. */
  readonly annotations: readonly string[];
  readonly version: 1 | 2;
  /** That of the hierarchies that can freeze the container. */
  readonly freezer: ContainerCgroup | undefined;
}

const names = [
  'id',
  'bundle',
  'rootfs',
  'created',
  'annotation',
  'pid',
  'startTime',
  'creatorPid',
  'creatorStart',
  'rootMount',
  'unit',
  'path',
  'ring',
] as const;
type Name = (typeof names)[number];

const numbers: ReadonlySet<string> = new Set<Name>(['pid', 'startTime', 'creatorPid', 'creatorStart', 'rootMount']);
const any = '\n';
const same = '\t';

/** Stands for a value; in place of a number it has quotes, which are no part of the text. */
function mark(name: Name): string {
  return `\u0001${name}\u0001`;
}
const lastOfAscii = 0x7f;
const escapedMark = '\\u0001';

/** Undefined if the paths of its cgroups differ, or the unit has another name, or it contains what looks like a mark. */
function modelOf(record: ContainerRecord): Model | undefined {
  const { version, hierarchies, inside, unit } = record.cgroup;
  const [first] = hierarchies;
  const path = first?.directory.slice(first.mount.length) ?? '';
  if (inside !== undefined || hierarchies.some(({ mount, directory }) => directory !== mount + path)) return undefined;
  if (unit !== undefined && unit !== lastName(path)) return undefined;
  if (JSON.stringify(record).includes(escapedMark)) return undefined;
  const [start = '', ...pieces] = JSON.stringify(marked(record)).split(escapedMark);
  let pattern = start;
  const found: string[] = [];
  for (let index = 0; index < pieces.length; index += 2) {
    const [name = '', next = ''] = pieces.slice(index, index + 2);
    const isNumber = numbers.has(name);
    // Nothing but the path is repeated, without another value in between.
    const again = name === 'path' && found.includes(name);
    if (!again) found.push(name);
    pattern = (isNumber ? pattern.slice(0, -1) : pattern) + (again ? same : any) + (isNumber ? next.slice(1) : next);
  }
  return {
    pattern: ascii(pattern),
    at: Object.fromEntries(names.map((name) => [name, found.indexOf(name)])) as Record<Name, number>,
    annotations: Object.keys(record.annotations),
    version,
    freezer: hierarchies.find((one) => one.version === version && (version === 2 || isFreezer(one))),
  };
}

/** NUL in place of other characters, which occurs in no text. */
function ascii(text: string): ArrayBuffer {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    bytes[index] = code > lastOfAscii ? 0 : code;
  }
  return bytes.buffer;
}

/** The record with marks in place of what differs. Its members keep their order. */
function marked(record: ContainerRecord): object {
  const { annotations, rootMount, cgroup, keyringName } = record;
  return {
    ...record,
    id: mark('id'),
    bundle: mark('bundle'),
    rootfs: mark('rootfs'),
    created: mark('created'),
    annotations: Object.fromEntries(Object.keys(annotations).map((name) => [name, mark('annotation')])),
    pid: mark('pid'),
    startTime: mark('startTime'),
    creator: { ...record.creator, pid: mark('creatorPid'), startTime: mark('creatorStart') },
    ...(rootMount === undefined ? {} : { rootMount: mark('rootMount') }),
    cgroup: {
      ...cgroup,
      ...(cgroup.unit === undefined ? {} : { unit: mark('unit') }),
      hierarchies: cgroup.hierarchies.map((one) => ({ ...one, directory: one.mount + mark('path') })),
    },
    ...(keyringName === undefined ? {} : { keyringName: mark('ring') }),
  };
}

function isFreezer({ controllers }: ContainerCgroup): boolean {
  return controllers.includes('freezer');
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function similarRecord(root: HeldRoot, id: string, model: Model): BriefRecord | undefined {
  const text = root.matchRecord(id, model.pattern);
  if (text === undefined) return undefined;
  const values = text.split('\0');
  const { at, version, freezer } = model;
  const path = values[at.path] ?? '';
  if (!areValid(id, values, path, model)) return undefined;
  return {
    id,
    bundle: values[at.bundle] ?? '',
    rootfs: values[at.rootfs] ?? '',
    created: values[at.created] ?? '',
    annotations: annotationsIn(values, model),
    pid: Number(values[at.pid]),
    startTime: Number(values[at.startTime]),
    creator: { pid: Number(values[at.creatorPid]), startTime: Number(values[at.creatorStart]) },
    cgroup: {
      version,
      hierarchies: freezer === undefined ? [] : [{ ...freezer, directory: freezer.mount + path }],
    },
  };
}

/** Whether the values fulfil what check-record.ts requires of them. */
function areValid(id: string, values: readonly string[], path: string, { at }: Model): boolean {
  if (values[at.id] !== id || !isAbsolute(values[at.bundle]) || !isAbsolute(values[at.rootfs])) return false;
  const pid = Number(values[at.pid]);
  if (pid === 1 || pid > largestPid || Number(values[at.creatorPid]) > largestPid) return false;
  if (at.path >= 0 && !isBelow(path)) return false;
  if (at.unit >= 0) {
    const unit = values[at.unit] ?? '';
    if (unit !== lastName(path) || unit === unitEnd || !unit.endsWith(unitEnd)) return false;
  }
  return at.ring < 0 || values[at.ring]?.startsWith(ringStart) === true;
}

function isAbsolute(path: string | undefined): boolean {
  return path?.startsWith('/') === true;
}

/** Whether it is normalized; not so certain of names that begin with a dot. */
function isBelow(path: string): boolean {
  return path.startsWith('/') && !path.includes('/.') && !`${path}/`.includes('//');
}

function annotationsIn(values: readonly string[], { at, annotations }: Model): BriefRecord['annotations'] {
  if (annotations.length === 0) return {};
  return Object.fromEntries(annotations.map((name, index) => [name, values[at.annotation + index] ?? '']));
}
