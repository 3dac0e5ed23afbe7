import { expectIfPresent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { S_IFDIR, S_IFMT } from '../kernel/files.ts';
import { O_DIRECTORY, O_PATH } from '../kernel/open-flags.ts';
import { fileNames } from './names.ts';
import { isOwn } from './owner.ts';

/** A larger record is not looked at. */
const largest = 64 << 10;

/**
 * A state root, held open: the quick way to look at many containers. It tells only of what is as usual; for everything else
 * there is ContainerDirectory, which also finds the words. As with that, nothing that another user could have filled is
 * looked at: while only the owner can write to the root, a directory in it cannot be another one a moment later.
 */
export class HeldRoot {
  private readonly native: Native;
  private readonly path: string;
  private readonly descriptor: number;

  private constructor(native: Native, path: string, descriptor: number) {
    this.native = native;
    this.path = path;
    this.descriptor = descriptor;
  }

  /** Runs `use` with the root, if it can be used, else without. */
  static use<T>(native: Native, path: string, use: (root: HeldRoot | undefined) => T): T {
    const descriptor = native.open(path, O_DIRECTORY | O_PATH, 0);
    if (descriptor < 0) return use(undefined);
    try {
      const status = native.statAt(descriptor, '');
      const usable = typeof status !== 'number' && isOwn(native, status);
      return use(usable ? new HeldRoot(native, path, descriptor) : undefined);
    } finally {
      native.close(descriptor);
    }
  }

  /** Uid of the owner of a container's directory; undefined unless that can be used. */
  ownerOf(id: string): number | undefined {
    const status = this.native.statAt(this.descriptor, id);
    if (typeof status === 'number' || ((status[0] ?? 0) & S_IFMT) !== S_IFDIR) return undefined;
    return isOwn(this.native, status) ? status[1] : undefined;
  }

  /** The values in the record of a container (`matchAt` of Native); undefined unless it matches. */
  matchRecord(id: string, pattern: ArrayBuffer): string | undefined {
    const values = this.native.matchAt(this.descriptor, `${id}/${fileNames.record}`, largest, pattern);
    return typeof values === 'number' ? undefined : values;
  }

  /** True if the container has a file of that name; throws for any other failure than that there is none. */
  has(id: string, name: string): boolean {
    const path = `${id}/${name}`;
    const action = `cannot look at "${this.path}/${path}"`;
    return expectIfPresent(this.native.statAt(this.descriptor, path), 'state.read', action, 'stat') !== undefined;
  }
}
