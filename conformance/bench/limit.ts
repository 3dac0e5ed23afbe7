/** The smallest memory limit under which /bin/true runs. */
import { specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { succeeds } from './measure.ts';
import type { Row } from './measure.ts';
import type { Measured } from './runtimes.ts';

const KIB = 1024;
/** What the limit is found to, KiB. */
const STEP = 32;
/** KiB under which every runtime runs. */
const ENOUGH = 64 * 1024;
/** A limit counts when it is enough that often, one after another. */
const TIMES = 5;

export function limitRows(place: Place, runtimes: readonly Measured[]): Row[] {
  const values = runtimes.map(({ name, rooted }) => [name, smallest(place, name, rooted)] as const);
  return [{ what: 'smallest memory limit', unit: 'KiB', values: Object.fromEntries(values) }];
}

function smallest(place: Place, name: string, rooted: readonly string[]): number {
  let [low, high] = [0, ENOUGH / STEP];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const limit = middle * STEP * KIB;
    const bundle = specBundle(place, `limit-${name}-${middle}`, ['/bin/true'], { memory: { limit } });
    if (enough(rooted, bundle)) high = middle;
    else low = middle;
  }
  return high * STEP;
}

/** A run that fails may leave a container behind, with some runtimes. */
function enough(rooted: readonly string[], bundle: string): boolean {
  for (let time = 0; time < TIMES; time++) {
    if (succeeds([...rooted, 'run', '--bundle', bundle, 'limit'])) continue;
    succeeds([...rooted, 'delete', '--force', 'limit']);
    return false;
  }
  return true;
}
