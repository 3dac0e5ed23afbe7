/** The smallest memory limit under which /bin/true runs. */
import { specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { succeeds } from './measure.ts';
import type { Row } from './measure.ts';
import type { Measured } from './runtimes.ts';

const KIB = 1024;
/** Resolution of the limit, KiB. */
const STEP = 32;
/** A limit in KiB that suffices for every runtime. */
const ENOUGH = 64 * 1024;
/** A limit counts if it suffices for this many consecutive runs. */
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

/** With some runtimes a failed run may leave a container. */
function enough(rooted: readonly string[], bundle: string): boolean {
  for (let time = 0; time < TIMES; time++) {
    if (succeeds([...rooted, 'run', '--bundle', bundle, 'limit'])) continue;
    succeeds([...rooted, 'delete', '--force', 'limit']);
    return false;
  }
  return true;
}
