import type { Failed, Known } from './words.ts';

export const plainHint = 'give the destination without symbolic links';

export const missingSource = 'the bind source does not exist on the host; create it or drop the mount';

export const missingDevice = 'device nodes cannot be made in a user namespace; the host must have one of this device';

/** A mount point, or a directory on the way to it, in a root file system that belongs to another user. */
export function deniedPlace({ name, call }: Failed): Known | undefined {
  return name === 'EACCES' && call === 'openat2'
    ? {
        hint:
          'root of the user namespace may not make or enter it: make it before, and chmod o+x the root filesystem and what ' +
          'leads to it, or give them to the hostID of that root',
      }
    : undefined;
}

export function coversProc(path: string): Known {
  return {
    message: `"${path}" cannot be mounted because it is inside /proc`,
    hint: 'symbolic links of the image lead there; to hide a path of /proc, use linux.maskedPaths',
  };
}
