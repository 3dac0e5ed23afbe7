import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsWithPrefix, hierarchies, removeCgroup } from '../harness/cgroup.ts';
import { until } from '../harness/wait.ts';
import type { Place } from './bundles.ts';

/** Removes leftovers of peers, and throws if there are others. `state`: directory of the state roots. */
export async function verifyNothingLeft(place: Place, state: string): Promise<void> {
  const left = [...(await removeCgroups(place, ['rt', 'node'])), ...leftovers(place, state)];
  if (left.length > 0) throw new Error(`the measuring left behind:\n${left.join('\n')}`);
}

/**
 * Removes leftover cgroups: those of the benchmark itself, and those that peers leave under load. Returns those of
 * `ours`, runtimes that must leave none.
 */
async function removeCgroups({ prefix }: Place, ours: readonly string[]): Promise<string[]> {
  removeMistaken(prefix);
  const left = cgroupsWithPrefix(prefix);
  for (const path of left) {
    await until(`${path} is empty`, () => {
      try {
        removeCgroup(path);
        return true;
      } catch {
        // A process that was reaped leaves it a moment later.
        return false;
      }
    });
  }
  return left.filter((path) => ours.some((name) => path.includes(`-${name}-`) && !path.includes(`${prefix}parallel-`)));
}

const CGROUP_ROOT = '/sys/fs/cgroup';

/**
 * crun treats each directory next to the hierarchies of cgroup v1 as another one, and makes directories and files
 * there.
 */
function removeMistaken(prefix: string): void {
  const real = hierarchies();
  if (real.includes(CGROUP_ROOT)) return;
  const plain = readdirSync(CGROUP_ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(CGROUP_ROOT, entry.name))
    .filter((path) => !real.includes(path));
  for (const path of plain)
    for (const name of readdirSync(path)) if (name.startsWith(prefix)) rmSync(join(path, name), { recursive: true });
}

/** Leftovers of the benchmark on the host, one line each. */
function leftovers({ dir, prefix }: Place, state: string): string[] {
  return [
    ...cgroupsWithPrefix(prefix).map((path) => `cgroup ${path}`),
    ...mountLines()
      .filter((line) => line.includes(dir))
      .map((line) => `mount ${line}`),
    ...readdirSync(state)
      // crun keeps an empty directory in its state root for masking, newer ones a cache.
      .flatMap((root) => readdirSync(join(state, root)).map((name) => `state ${join(root, name)}`))
      .filter((line) => !line.endsWith('/.empty-directory') && !line.endsWith('/.cache')),
    ...processesIn(dir).map((pid) => `process ${pid}`),
  ];
}

function mountLines(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
}

/** Processes whose root is a filesystem of the benchmark. */
function processesIn(dir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const root = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
        return root.some((line) => line.includes(`${dir}/rootfs / `));
      } catch {
        // It has ended meanwhile.
        return false;
      }
    });
}
