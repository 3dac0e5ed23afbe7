import { Failure } from '../diag/diagnostic.ts';
import { expectDone, expectIfPresent, expectResult, isAbsent, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EAGAIN, EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EPERM } from '../kernel/errno.ts';
import { LOCK_EX, LOCK_NB, LOCK_UN, S_IFLNK, S_IFMT } from '../kernel/files.ts';
import { O_DIRECTORY, O_NOFOLLOW } from '../kernel/open-flags.ts';
import { wait } from '../host/poll.ts';
import type { StateRoot } from './root.ts';
import { checkId } from './id.ts';
import { requireOwn } from './owner.ts';
import { containerDirectory, fileNames } from './names.ts';

const directoryMode = 0o700;
const heldOpen = O_DIRECTORY | O_NOFOLLOW;

/** Milliseconds that a command waits for another one that makes or removes the same container. */
const patience = 10_000;
const longestPause = 64;
/** How often `delete` may remove a new directory, which it takes for the remains of a killed `create`. */
const attempts = 100;

/**
 * The directory of a container, held open because its name may come to be another container's. A command that makes or
 * removes a container holds its lock, flock(2) of the directory, which the kernel releases if the process is killed.
 */
export class ContainerDirectory {
  /** The state root. */
  readonly root: string;
  readonly id: string;
  readonly path: string;
  /** Uid of the owner. */
  readonly uid: number;
  private readonly native: Native;
  private descriptor: number;
  /** Inode and device, known once it is locked. */
  private identity: readonly number[] = [];

  private constructor(native: Native, root: string, id: string, descriptor: number) {
    this.native = native;
    this.root = root;
    this.id = id;
    this.path = containerDirectory(root, id);
    this.descriptor = descriptor;
    try {
      // The root that contains it now, however its name led there.
      requireOwn(native, this.lookAt('..'), 'root', root);
      const status = this.lookAt('');
      requireOwn(native, status, 'directory', this.path);
      this.uid = status[1] ?? 0;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Undefined if there is none. One that another user could have filled is refused. */
  static open(native: Native, root: string, id: string): ContainerDirectory | undefined {
    checkId(id);
    const path = containerDirectory(root, id);
    const descriptor = native.open(path, heldOpen, 0);
    if (descriptor === -ENOTDIR) refuseLink(native, path);
    if (isAbsent(descriptor)) return undefined;
    expectDone(descriptor, 'state.open', `cannot open state directory "${path}"`, 'open');
    return new ContainerDirectory(native, root, id, descriptor);
  }

  /** Runs `use` with the open directory of a container, which must exist. */
  static use<T>(native: Native, root: string, id: string, use: (directory: ContainerDirectory) => T): T {
    const directory = ContainerDirectory.open(native, root, id);
    if (directory === undefined) throw absent(id);
    try {
      return use(directory);
    } finally {
      directory.close();
    }
  }

  /** Makes and locks it. Ids are unique because it can be made only once. */
  static make(native: Native, root: StateRoot, id: string): ContainerDirectory {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      makeDirectory(native, root, id);
      let made: ContainerDirectory | undefined;
      let taken = false;
      try {
        made = ContainerDirectory.open(native, root.path, id);
        // Before it is locked, a delete may remove it, and another create make its own.
        if (made?.lock() === true) {
          taken = made.has(fileNames.record);
          if (!taken) return made;
        }
      } catch (error) {
        made?.close();
        // rmdir(2) removes only an empty directory.
        native.rmdir(containerDirectory(root.path, id));
        throw error;
      }
      made?.close();
      if (taken) throw exists(id);
    }
    throw new Failure({
      code: 'state.directory',
      message: `cannot make state directory "${containerDirectory(root.path, id)}": others remove it at once`,
    });
  }

  /** A path of this very directory, even if its name has become another one's. */
  get held(): string {
    return `/proc/self/fd/${this.descriptor}`;
  }

  /** As `held`, for a file in it. */
  heldPath(file: keyof typeof fileNames): string {
    return `${this.held}/${fileNames[file]}`;
  }

  /** Contents of the file; undefined if there is none, '' if reading fails with one of the errors `empty`. */
  read(name: string, max: number, empty: readonly number[] = []): string | undefined {
    const text = this.native.readTextAt(this.descriptor, name, max);
    if (typeof text === 'number' && empty.includes(text)) return '';
    return expectIfPresent(text, 'state.read', `cannot read "${this.path}/${name}"`, 'read');
  }

  /** True if an entry of that name exists. */
  has(name: string): boolean {
    const action = `cannot look at "${this.path}/${name}"`;
    return expectIfPresent(this.native.statAt(this.descriptor, name), 'state.read', action, 'stat') !== undefined;
  }

  /**
   * Waits for the lock. False if the directory has been removed meanwhile: the container is gone, and one that has its
   * id now is another. `onBusy` is called before the first wait.
   */
  lock(onBusy: () => void = (): void => undefined): boolean {
    let pause = 1;
    for (let waited = 0; ; waited += pause) {
      const result = this.native.flock(this.descriptor, LOCK_EX | LOCK_NB);
      if (result !== -EAGAIN) {
        const action = `cannot lock state directory "${this.path}"`;
        this.identity = expectResult(result, 'state.lock', action, 'flock');
        return this.isNamed();
      }
      if (waited === 0) onBusy();
      if (waited >= patience) throw this.busy();
      pause = Math.min(2 * pause, longestPause);
      wait(this.native, pause);
    }
  }

  unlock(): void {
    this.native.flock(this.descriptor, LOCK_UN);
  }

  close(): void {
    if (this.descriptor >= 0) this.native.close(this.descriptor);
    this.descriptor = -1;
  }

  /**
   * Removes the directory, which `lock` has just confirmed to exist, and closes it. The record goes before the
   * directory, so an id is free again only when nothing is left. True for the caller that removed the record.
   */
  remove(): boolean {
    const { native, path, held } = this;
    try {
      native.unlink(this.heldPath('startSocket'));
      native.unlink(this.heldPath('config'));
      const removed = native.unlink(this.heldPath('record')) === 0;
      let result = native.rmdir(path);
      if (result === -ENOTEMPTY) {
        removeEntries(native, held);
        result = native.rmdir(path);
      }
      if (result < 0 && result !== -ENOENT) {
        throw systemFailure('state.remove', `cannot remove state directory "${path}"`, 'rmdir', result);
      }
      return removed;
    } finally {
      this.close();
    }
  }

  private lookAt(name: string): number[] {
    const action = `cannot look at state directory "${this.path}"`;
    return expectResult(this.native.statAt(this.descriptor, name), 'state.open', action, 'stat');
  }

  private isNamed(): boolean {
    const [inode, device] = this.identity;
    const action = `cannot look at state directory "${this.path}"`;
    const found = expectIfPresent(this.native.stat(this.path, 0), 'state.lock', action, 'stat');
    return found !== undefined && found[3] === inode && found[4] === device;
  }

  private busy(): Failure {
    const holder = this.holder();
    const who = holder === undefined ? 'another process' : `process ${holder}`;
    return new Failure({
      code: 'state.busy',
      message: `container ${this.id} is being created or deleted by ${who}`,
      hint: 'wait until that has ended, or end it; then try again',
    });
  }

  /** Pid of the lock's holder, from proc_locks(5); undefined if it cannot be determined. */
  private holder(): string | undefined {
    const status = this.native.statAt(this.descriptor, '');
    const locks = this.native.readText('/proc/locks', 1 << 20);
    if (typeof status === 'number' || typeof locks === 'number') return undefined;
    const lock = new RegExp(`FLOCK +ADVISORY +WRITE +([1-9]\\d*) [0-9a-f]+:[0-9a-f]+:${status[3] ?? 0} `);
    return lock.exec(locks)?.[1];
  }
}

/** rt makes no symbolic links; the target is not inspected. */
function refuseLink(native: Native, path: string): void {
  const status = expectIfPresent(native.stat(path, 0), 'state.open', `cannot look at "${path}"`, 'stat');
  if (((status?.[0] ?? 0) & S_IFMT) !== S_IFLNK) return;
  throw new Failure({
    code: 'state.owner',
    message: `cannot use state directory "${path}": it is a symbolic link`,
    hint: `somebody else made it; remove it: rm ${path}`,
  });
}

function makeDirectory(native: Native, root: StateRoot, id: string): void {
  const path = containerDirectory(root.path, id);
  let result = native.mkdir(path, directoryMode);
  if (result === -ENOENT) {
    makeRoot(native, root);
    result = native.mkdir(path, directoryMode);
  }
  if (result === -EEXIST) throw exists(id);
  if (result < 0) throw notMade(root, path, result);
}

function exists(id: string): Failure {
  return new Failure({
    code: 'state.exists',
    message: `container with given ID already exists: "${id}"`,
    hint: 'choose another id',
  });
}

function makeRoot(native: Native, root: StateRoot): void {
  const parts = root.path.split('/');
  for (let count = 2; count <= parts.length; count += 1) {
    const path = parts.slice(0, count).join('/');
    const sticky = root.sticky && count === parts.length ? 0o1000 : 0;
    const result = native.mkdir(path, sticky | directoryMode);
    if (result === -EEXIST) continue;
    if (result >= 0) continue;
    throw notMade(root, path, result);
  }
}

function notMade({ explicit }: StateRoot, path: string, result: number): Failure {
  const hint = explicit ? undefined : 'set XDG_RUNTIME_DIR to a directory of yours, or give --root DIR';
  return systemFailure('state.directory', `cannot create state directory "${path}"`, 'mkdir', result, hint);
}

function removeEntries(native: Native, path: string): void {
  const names = native.readDirectory(path);
  const text = expectIfPresent(names, 'state.remove', `cannot read directory "${path}"`, 'getdents64') ?? '';
  for (const name of text.split('\0')) {
    if (name === '') continue;
    const entry = `${path}/${name}`;
    const result = native.unlink(entry);
    if (result === -EISDIR || result === -EPERM) {
      removeEntries(native, entry);
      native.rmdir(entry);
    }
  }
}

/** Code of the Failure for a container that does not exist. */
export const absentCode = 'state.absent';

export function absent(id: string): Failure {
  return new Failure({ code: absentCode, message: `container does not exist: "${id}"` });
}
