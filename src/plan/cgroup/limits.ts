import type { Code, Diagnostic } from '../../diag/diagnostic.ts';
import type { From, PlannedOp } from '../types.ts';

/** A file of a controller, such as `memory.max`, the text to write to it, and its origin. */
export interface Setting {
  readonly file: string;
  readonly data: string;
  readonly from: From;
}

/** The writes for the limits of a config. */
export interface Limits {
  /** Before init joins: realtime bandwidth. */
  readonly early: readonly PlannedOp[];
  /** Access to devices; an empty program (v2) allows everything. */
  readonly devices: readonly PlannedOp[];
  readonly ops: readonly PlannedOp[];
  /** Controllers that must be enabled for them (v2). */
  readonly controllers: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

/** Current values of a running container's cgroup that a change depends on (v2 has two values in one file). */
export interface Current {
  /** `cpu.max`: quota or `max`, and period, in microseconds. */
  readonly quota?: string;
  readonly period?: string;
  /** `memory.max` in bytes; -1 for `max`. */
  readonly memoryLimit?: number | bigint;
}

/** The files that a writer may write, and the words for those that it may not. */
export interface ControllerFiles {
  readonly version: 'v1' | 'v2';
  /** Undefined if the host lacks the controller. */
  readonly directoryOf: (controller: string) => string | undefined;
  /** What is wrong then, and the remedy. */
  readonly missing: (controller: string) => readonly [cause: string, hint?: string];
}

/** Collects the writes to the files of a container's cgroups; the prefix of a file's name is its controller. */
export class LimitWriter {
  readonly ops: PlannedOp[] = [];
  readonly early: PlannedOp[] = [];
  readonly devices: PlannedOp[] = [];
  readonly controllers = new Set<string>();
  readonly faults: Diagnostic[];
  readonly warnings: Diagnostic[] = [];
  private readonly files: ControllerFiles;

  constructor(files: ControllerFiles, faults: Diagnostic[]) {
    this.files = files;
    this.faults = faults;
  }

  get version(): 'v1' | 'v2' {
    return this.files.version;
  }

  /** One write; the errno `ignore` does not count as a failure. */
  write(setting: Setting, ignore = 0): void {
    const path = this.path(setting);
    if (path !== undefined) this.ops.push({ op: 'write_file', path, data: setting.data, ignore, from: setting.from });
  }

  /** Settings that bound each other: the kernel may refuse one until another is written. */
  writeTogether(settings: readonly Setting[]): void {
    this.several('write_files', settings);
  }

  /** The first setting whose file exists on this kernel. */
  writeFirst(settings: readonly Setting[]): void {
    this.several('write_first', settings);
  }

  fault(code: Code, message: string, pointer: string, hint?: string): void {
    this.faults.push(hint === undefined ? { code, message, pointer } : { code, message, pointer, hint });
  }

  /** For a field that exists only in the other cgroup version. */
  refuseField(pointer: string): void {
    const [, , , ...names] = pointer.split('/');
    const name = names.filter((part) => !/^[0-9]+$/.test(part)).join(' ');
    this.fault('cgroup.version', `cannot set ${name}: cgroup ${this.files.version} has no such setting`, pointer);
  }

  result(): Limits {
    const { early, devices, ops, warnings } = this;
    return { early, devices, ops, controllers: [...this.controllers], warnings };
  }

  private several(op: 'write_files' | 'write_first', settings: readonly Setting[]): void {
    const [first, second] = settings;
    if (first === undefined) return;
    if (second === undefined) {
      this.write(first);
      return;
    }
    const found = settings.map((setting) => ({ ...setting, path: this.path(setting) }));
    const known = found.filter((setting): setting is Setting & { path: string } => setting.path !== undefined);
    if (known.length < settings.length) return;
    this.ops.push({
      op,
      paths: known.map(({ path }) => path),
      data: known.map(({ data }) => data),
      from: first.from,
      items: known.map(({ from }) => from),
    });
  }

  /** The setting's file; undefined, with a fault, if the host lacks its controller. */
  private path({ file, data, from }: Setting): string | undefined {
    const controller = file.slice(0, file.indexOf('.'));
    const directory = this.files.directoryOf(controller);
    if (directory !== undefined) {
      this.controllers.add(controller);
      return `${directory}/${file}`;
    }
    const [cause, hint] = this.files.missing(controller);
    this.fault('cgroup.controller', `cannot set ${file} to ${data}: ${cause}`, from, hint);
    return undefined;
  }
}

export function isSet(value: number | bigint | undefined): value is number | bigint {
  return value !== undefined && Number(value) !== 0;
}
