import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsWithPrefix, hierarchies, removeCgroup } from '../harness/cgroup.ts';
import { until } from '../harness/wait.ts';
import type { Place } from './bundles.ts';

/** Takes away what peers leave, and throws when more than that was left behind. `state`: directory of the state roots. */
export async function verifyNothingLeft(place: Place, state: string): Promise<void> {
  const left = [...(await removeCgroups(place, ['rt', 'node'])), ...leftovers(place, state)];
  if (left.length > 0) throw new Error(`the measuring left behind:\n${left.join('\n')}`);
}

/**
 * Removes the cgroups that are left: those that the measuring made, and what peers leave when they are in a hurry.
 * Gives back those of `ours`, runtimes that must leave none.
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

/** crun takes each directory beside the hierarchies of cgroup v1 for one more, and makes directories and files there. */
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

/** What the measuring left on the host, one line for each thing. */
function leftovers({ dir, prefix }: Place, state: string): string[] {
  return [
    ...cgroupsWithPrefix(prefix).map((path) => `cgroup ${path}`),
    ...mountLines()
      .filter((line) => line.includes(dir))
      .map((line) => `mount ${line}`),
    ...readdirSync(state)
      // crun keeps an empty directory in its root for masking.
      .flatMap((root) => readdirSync(join(state, root)).map((name) => `state ${join(root, name)}`))
      .filter((line) => !line.endsWith('/.empty-directory')),
    ...processesIn(dir).map((pid) => `process ${pid}`),
  ];
}

function mountLines(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
}

/** Processes that have a file system of the bench for their root. */
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
