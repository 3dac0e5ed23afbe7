import { readFileSync, readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { hierarchies } from '../harness/cgroup.ts';
import { comesTrue } from './world.ts';
import type { World } from './world.ts';

/** Everything that a container could leave in a cell. */
export type Inventory = ReadonlySet<string>;

export function takeInventory(world: World, cgroupName: string): Inventory {
  return new Set([
    ...world.processes().map((pid) => `process ${pid}`),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => `mount ${line}`),
    ...hierarchies().flatMap((hierarchy) => tree(join(hierarchy, cgroupName)).map((path) => `cgroup ${path}`)),
    ...['/run', '/tmp', '/dev/shm'].flatMap((path) => tree(path).map((file) => `file ${file}`)),
  ]);
}

/** New objects since before. Recently killed processes may take a while to disappear. */
export function leftSince(world: World, cgroupName: string, before: Inventory): string[] {
  let left: string[] = [];
  comesTrue(() => {
    left = [...takeInventory(world, cgroupName)].filter((line) => !before.has(line));
    return left.length === 0;
  });
  return left.map((line) => (line.startsWith('process ') ? `${line}: ${commandLine(line.slice(8))}` : line));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').slice(0, 80);
  } catch {
    return 'gone';
  }
}

/** The directories of a cgroup, or all entries of another directory; entries that disappear meanwhile are skipped. */
function tree(path: string): string[] {
  const isCgroup = path.startsWith('/sys/fs/cgroup');
  const visit = (directory: string): string[] => {
    const entries = entriesOf(directory);
    if (entries === undefined) return [];
    const inside = entries.flatMap((entry) => {
      const current = join(directory, entry.name);
      return entry.isDirectory() ? visit(current) : isCgroup ? [] : [current];
    });
    return [directory, ...inside];
  };
  return visit(path).filter((file) => !file.startsWith('/tmp/scratch/'));
}

function entriesOf(directory: string): Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return undefined;
  }
}
