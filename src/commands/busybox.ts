import { Failure } from '../diag/diagnostic.ts';
import { lookInto } from '../diag/look.ts';
import { expectDone, expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EEXIST } from '../kernel/errno.ts';
import { isStaticProgram } from '../words/program.ts';

/** Debian and Fedora have the first, Alpine and Ubuntu the second, too. */
const names = ['busybox', 'busybox.static'];
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const noOutput = 4096;
/** Where the configs of `rt spec` mount something. */
const mountPoints = ['dev', 'proc', 'sys', 'tmp'];

/** The path of a static busybox of this host. */
export function findBusybox(native: Native): string {
  const search = native.getEnv('PATH');
  const look = lookInto(native, 'self');
  for (const directory of (typeof search === 'string' ? search : usualPath).split(':')) {
    for (const name of names) {
      const path = `${directory}/${name}`;
      if (!directory.startsWith('/')) continue;
      const sight = look.at(path);
      if (sight.kind === 'file' && sight.file.executable && isStaticProgram(sight.file.head)) return path;
    }
  }
  throw new Failure({
    code: 'spec.busybox',
    message: 'no static busybox is in PATH, so no root filesystem can be made of it',
    hint: 'install it: the package is busybox-static on Debian, Ubuntu and Alpine, busybox on Fedora',
  });
}

/** Makes a root filesystem at `root`, which must not exist: the program, a link for each of its commands, and mount points. */
export function makeRootfs(native: Native, busybox: string, root: string): void {
  const made = native.mkdir(root, 0o755);
  if (made === -EEXIST) {
    throw new Failure({
      code: 'spec.rootfs',
      message: `"${root}" exists, and is not changed`,
      hint: 'remove it, or leave out --busybox',
    });
  }
  const action = `cannot make "${root}"`;
  expectDone(made, 'spec.rootfs', action, 'mkdir');
  try {
    const bin = `${root}/bin`;
    expectDone(native.mkdir(bin, 0o755), 'spec.rootfs', action, 'mkdir');
    // In a user namespace the container could not make them.
    for (const place of mountPoints) {
      expectDone(native.mkdir(`${root}/${place}`, 0o755), 'spec.rootfs', action, 'mkdir');
    }
    const steps: readonly (readonly string[])[] = [
      [busybox, 'cp', busybox, `${bin}/busybox`],
      // Its links are hard ones to the program that runs: the copy.
      [`${bin}/busybox`, '--install', bin],
    ];
    for (const step of steps) expectResult(native.capture(step, noOutput), 'spec.rootfs', action, step.join(' '));
  } catch (error) {
    removeRootfs(native, busybox, root);
    throw error;
  }
}

/** Undoes makeRootfs. */
export function removeRootfs(native: Native, busybox: string, root: string): void {
  native.capture([busybox, 'rm', '-r', root], noOutput);
}
