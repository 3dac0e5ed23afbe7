import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiled, targetOf } from './compiler.ts';
import type { Target } from './compiler.ts';

const CONFORMANCE = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = join(CONFORMANCE, 'guest');
/** The programs of `guest` and their sources. */
const PROGRAMS = {
  probe: [
    ...[
      'probe.c',
      'answer.c',
      'attack.c',
      'children.c',
      'evade.c',
      'files.c',
      'hold.c',
      'itself.c',
      'nest.c',
      'spy.c',
      'surroundings.c',
      'terminal.c',
      'thief.c',
    ],
    ...['json.c', 'json.h', 'verbs.h'],
  ],
  peer: ['peer.c', 'json.c', 'json.h'],
  deny: ['deny.c'],
  gate: ['gate.c', 'json.c', 'json.h'],
  receiver: ['receiver.c', 'json.c', 'json.h'],
  resctrl: ['resctrl.c'],
  fault: ['fault.c'],
  cell: ['cell.c'],
  pages: ['pages.c'],
} as const;
const BUSYBOX = '/bin/busybox';
const APPLETS = [
  'sh',
  'cat',
  'echo',
  'env',
  'hostname',
  'id',
  'kill',
  'ls',
  'mkdir',
  'mount',
  'sleep',
  'true',
  'touch',
];

/** The output of the probe: one value for each verb. */
export function answers(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

/** Path of a program of `guest` on the host. */
export function guestProgram(name: keyof typeof PROGRAMS, target: Target = 'own'): string {
  const sources = PROGRAMS[name].map((file) => join(SOURCES, file));
  return compiled(name, sources, target, '-Os');
}

/** Compiles all of them, for a machine without a compiler. */
export function compileGuestPrograms(arch: 'amd64' | 'arm64' = 'amd64'): void {
  for (const name of Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[]) guestProgram(name, targetOf(arch));
}

export function probePath(): string {
  return guestProgram('probe');
}

/** Fills an empty directory with the root filesystem of every case: busybox, its applets and the probe. */
export function makeRootfs(rootfs: string): void {
  for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'root']) {
    mkdirSync(join(rootfs, name), { recursive: true, mode: 0o755 });
  }
  copyFileSync(BUSYBOX, join(rootfs, 'bin', 'busybox'));
  copyFileSync(probePath(), join(rootfs, 'bin', 'probe'));
  for (const applet of APPLETS) symlinkSync('busybox', join(rootfs, 'bin', applet));
}

/** The output of the probe's verbs. */
export interface Ids {
  uid: [number, number, number];
  gid: [number, number, number];
  groups: number[];
  umask: number;
  pid: number;
  ppid: number;
  sid: number;
  dumpable: number;
  noNewPrivs: number;
  inheritable: string;
  permitted: string;
  effective: string;
  bounding: string;
  ambient: string;
  seccomp: string;
  sigBlocked: string;
  sigIgnored: string;
  cpus: string;
}

export interface Attempt {
  errno?: string | null;
  killed?: number;
}

export interface Stat extends Attempt {
  type: string;
  mode: number;
  uid: number;
  gid: number;
  major: number;
  minor: number;
  size: number;
  inode: string;
  device: string;
  link: string;
}

export interface Text extends Attempt {
  text: string;
}

export interface Names extends Attempt {
  names: string[];
}

export interface OpenFile {
  fd: number;
  target: string;
  flags: number;
  uid: number;
  mode: number;
}
