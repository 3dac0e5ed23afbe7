import type { Config, Mount } from '../../schema/generated/config.ts';
import { shown } from '../diag/pointer.ts';
import { normalizePath } from './path.ts';
import type { Report, Rule } from './rule.ts';
import { each } from './rule.ts';

/** Files of /proc that may be replaced, as lxcfs does to virtualize them. */
const replaceable = [
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
];

export const mountRules: readonly Rule[] = [mounts];

/**
 * The checks that need only the text of a mount. A destination may still lead to /proc through symbolic links of the
 * image: the helper checks the resolved place (native/helper/op_mount.c).
 */
function mounts(config: Config, report: Report): void {
  each(config.mounts, (mount, index) => {
    if (mount.destination !== undefined) destination(mount, index, report);
    typeAndSource(mount, index, report);
  });
}

function destination(mount: Mount, index: number, report: Report): void {
  const pointer = `/mounts/${index}/destination`;
  if (mount.destination === '') {
    report('mount.destination', pointer, `mounts[${index}].destination must not be empty`);
    return;
  }
  const path = normalizePath(mount.destination);
  if (path === '/') {
    const message = `mountpoint ${shown(mount.destination)} is on the top of rootfs`;
    report('mount.root', pointer, message, 'to replace the root filesystem, set root.path');
  } else if (path === '/proc' && !isBind(mount) && mount.type !== undefined && mount.type !== 'proc') {
    report('mount.proc', pointer, `${shown(path)} cannot be mounted because it is not of type proc`);
  } else if (path.startsWith('/proc/') && !replaceable.includes(path)) {
    const message = `${shown(path)} cannot be mounted because it is inside /proc`;
    report('mount.proc', pointer, message, 'to hide a path of /proc, use linux.maskedPaths');
  }
}

function typeAndSource(mount: Mount, index: number, report: Report): void {
  if (isBind(mount)) {
    if (mount.source === undefined || mount.source === '') {
      report(
        'mount.source',
        `/mounts/${index}/source`,
        `mounts[${index}].source must name the file or directory to bind`,
      );
    }
  } else if (['', 'none'].includes(mount.type ?? '') && !hasOption(mount, 'remount')) {
    const message = `mounts[${index}].type must name a filesystem`;
    report('mount.type', `/mounts/${index}/type`, message, 'to mount a directory of the host, add the option "rbind"');
  }
}

function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || hasOption(mount, 'bind') || hasOption(mount, 'rbind');
}

function hasOption(mount: Mount, option: string): boolean {
  return mount.options?.includes(option) === true;
}
