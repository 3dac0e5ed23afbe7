import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cgroupsWithPrefix, hierarchies } from '../harness/cgroup.ts';
import type { Place } from '../bench/bundles.ts';

/** Counts of objects on the host, and the permitted growth of each, with the reason. */
export type Census = ReadonlyMap<string, Count>;

interface Count {
  readonly value: number;
  /** Permitted fluctuation, independent of the number of containers. */
  readonly noise: number;
}

/**
 * Kernel objects of which each container has at least one. Caches, such as dentries, grow with every file accessed.
 */
const slabs: readonly string[] = [
  'key_jar',
  'mem_cgroup',
  'mnt_cache',
  'mqueue_inode_cache',
  'net_namespace',
  'nsproxy',
  'pid_namespace',
  'task_group',
  'task_struct',
  'user_namespace',
  'uts_namespace',
];

/** Others may run a few containers on this host at the same time, with a few objects of each kind. */
const others = 25;
/** Their programs have dozens of threads. Processes of a container are found by their cgroup. */
const otherTasks = 150;

export function takeCensus(): Census {
  const counts = new Map<string, Count>();
  const count = (name: string, value: number, noise = others): unknown => counts.set(name, { value, noise });
  count('mounts', lines('/proc/self/mountinfo').length);
  for (const hierarchy of hierarchies()) {
    const name = hierarchy.slice(hierarchy.lastIndexOf('/') + 1);
    const directories = directoriesBelow(hierarchy);
    count(`cgroups of ${name}`, directories);
    const { all, dying } = cgroupsOf(hierarchy, name);
    if (dying !== undefined) count(`dying cgroups of ${name}`, dying);
    else if (all !== undefined) count(`dying cgroups of ${name}`, Math.max(0, all - directories));
  }
  for (const [name, value, perSlab] of slabCounts()) {
    // One slab per CPU and the lists of partly filled ones are counted as full.
    const noise = name === 'task_struct' ? otherTasks : others;
    count(`slab ${name}`, value, noise + perSlab * availableParallelism());
  }
  count('keys', keysOfRoot());
  for (const directory of ['/run', '/tmp', '/dev/shm']) count(`entries of ${directory}`, readdirSync(directory).length);
  count('open files', Number(readFileSync('/proc/sys/fs/file-nr', 'utf8').split('\t')[0]), openFilesNoise);
  // In KiB, for the kernel caches of other processes. Detects the loss of one kilobyte per run over many runs.
  count('kernel memory, KiB', meminfo('SUnreclaim') + meminfo('Percpu'), 16_384);
  return counts;
}

/** The kernel counts these per CPU, and sums them only occasionally. */
const openFilesNoise = 1000;

/** The minimum of several samples, so that activity of others does not hide a leak. */
export async function takeCalmCensus(): Promise<Census> {
  const lowest = new Map(takeCensus());
  for (let again = 0; again < 5; again += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const [name, count] of takeCensus()) {
      if (count.value < (lowest.get(name)?.value ?? Infinity)) lowest.set(name, count);
    }
  }
  return lowest;
}

export interface Growth {
  readonly name: string;
  readonly before: number;
  readonly after: number;
  readonly allowed: number;
}

/** `runs`: a leak of one object per hundred runs exceeds the limit twice. */
export function growth(before: Census, after: Census, runs: number): Growth[] {
  return [...after].map(([name, { value, noise }]) => {
    const allowed = Math.max(noise, Math.ceil(runs / 200));
    return { name, before: before.get(name)?.value ?? 0, after: value, allowed };
  });
}

export function grew({ before, after, allowed }: Growth): boolean {
  return after - before > allowed;
}

/** Drops the kernel's reclaimable caches; pages charged to a cgroup keep it in the dying state. */
export function dropCaches(): void {
  writeFileSync('/proc/sys/vm/drop_caches', '3');
}

/** Objects with a name of this test, so not made by others; one line each. */
export function ownRemains({ dir, prefix }: Place, state: string): string[] {
  const named = ['/run', '/tmp', '/dev/shm'].flatMap((directory) =>
    readdirSync(directory)
      .map((name) => join(directory, name))
      .filter((path) => path !== dir && path.includes(prefix)),
  );
  return [
    ...cgroupsWithPrefix(prefix).map((path) => `cgroup ${path}`),
    ...lines('/proc/self/mountinfo')
      .filter((line) => line.includes(dir))
      .map((line) => `mount ${line}`),
    ...(existsSync(state) ? readdirSync(state) : []).map((name) => `state ${name}`),
    ...readdirSync(dir)
      .filter((name) => name.startsWith('.') || name.startsWith('rt'))
      .map((name) => `file ${name} beside the bundles`),
    ...named.map((path) => `file ${path}`),
    ...lines('/proc/keys')
      .filter((line) => line.includes(`_ses.${prefix}`))
      .map((line) => `key ${line}`),
    ...processesOf(prefix).map((pid) => `process ${pid}`),
  ];
}

/** Lines of the kernel's log that report a kernel fault; not those of containers out of memory. */
export function kernelComplaints(): Set<string> {
  try {
    const log = execFileSync('dmesg', { encoding: 'utf8', maxBuffer: 1 << 26 });
    const complaint =
      /\bBUG\b|\bWARNING:|Oops|general protection|refcount_t|unregister_netdevice|blocked for more than/;
    return new Set(log.split('\n').filter((line) => complaint.test(line)));
  } catch {
    return new Set();
  }
}

function processesOf(prefix: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(prefix);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

function cgroupsOf(hierarchy: string, name: string): { all?: number; dying?: number } {
  const stat = join(hierarchy, 'cgroup.stat');
  if (existsSync(stat)) {
    const found = /^nr_dying_descendants (\d+)$/m.exec(readFileSync(stat, 'utf8'));
    return found === null ? {} : { dying: Number(found[1]) };
  }
  const line = lines('/proc/cgroups').find((one) => one.startsWith(`${name}\t`));
  return line === undefined ? {} : { all: Number(line.split('\t')[2]) };
}

function directoriesBelow(path: string): number {
  try {
    const inside = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return 1 + inside.reduce((sum, { name }) => sum + directoriesBelow(join(path, name)), 0);
  } catch {
    // It was removed meanwhile.
    return 0;
  }
}

/** Name, objects in use, and objects in one slab. */
function slabCounts(): [name: string, active: number, perSlab: number][] {
  const table = '/proc/slabinfo';
  if (!existsSync(table)) return [];
  for (const name of slabs) {
    const shrink = `/sys/kernel/slab/${name}/shrink`;
    // Flushes the per-CPU caches.
    if (existsSync(shrink)) writeFileSync(shrink, '1');
  }
  return lines(table).flatMap((line): [string, number, number][] => {
    const [name = '', active, , , perSlab] = line.split(/\s+/);
    return slabs.includes(name) ? [[name, Number(active), Number(perSlab)]] : [];
  });
}

function keysOfRoot(): number {
  const line = lines('/proc/key-users').find((one) => /^\s*0:/.test(one));
  return Number(line?.trim().split(/\s+/)[1] ?? 0);
}

function meminfo(name: string): number {
  return Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
}

function lines(file: string): string[] {
  if (!existsSync(file) || statSync(file).isDirectory()) return [];
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}
