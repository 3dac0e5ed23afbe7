/**
 * Compares runtimes: one round runs each of them once, so that a slow minute of the machine affects all.
 *
 *   run [--rounds N] [--runtimes rt,node,crun,runc] [--newest] [--scale | --busy] [--json FILE]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { busyRows } from './busy.ts';
import { dockerBundle, makeRootfs, specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { seccompFilter } from './filter.ts';
import { verifyNothingLeft } from './leftovers.ts';
import { limitRows } from './limit.ts';
import { FLOOR, compile, table } from './measure.ts';
import type { Row } from './measure.ts';
import { parallelRows } from './parallel.ts';
import { newestPeers, usable, versionOf } from './runtimes.ts';
import { scaleRows } from './scale.ts';
import { coldRows, createdRows, execRows, rhythmRows, runRows, stateRows, stepRows, systemdRows } from './single.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    runtimes: { type: 'string', default: 'rt,node,crun,runc' },
    /** Adds the peers of newest-peers.sh. */
    newest: { type: 'boolean', default: false },
    /** Measures only on a host with 1,000 containers or 5,000 mounts. */
    scale: { type: 'boolean', default: false },
    /** Measures only a minute of a busy node. */
    busy: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const place: Place = { dir: mkdtempSync(join(tmpdir(), 'rt-bench-')), prefix: `rt-bench-${process.pid}-` };

async function main(): Promise<void> {
  const rounds = Number(options.rounds);
  const state = process.env['RT_BENCH_STATE'] ?? join(place.dir, 'state');
  mkdirSync(state, { recursive: true });
  for (const name of ['spawn', 'parallel', 'schedule']) compile(name);
  const rootfs = makeRootfs(place);
  const floor = [compile(FLOOR), 'spec', rootfs, `${place.prefix}floor`];
  const spec = specBundle(place, 'spec', ['/bin/true']);
  const docker = dockerBundle(place);
  const names = [...options.runtimes.split(','), ...(options.newest ? newestPeers : [])];
  const runtimes = usable(names, state, [spec, docker]);
  for (const runtime of runtimes) console.error(`${runtime.name}: ${versionOf(runtime)}`);
  // The start of Node takes much longer than the effects measured here.
  const native = runtimes.filter(({ name }) => name !== 'node');
  const rows: Row[] = [];
  if (options.scale) {
    rows.push(...(await scaleRows({ place, rounds, floor, bundle: spec }, native)));
  } else if (options.busy) {
    rows.push(...busyRows(place, native));
  } else {
    const filter = join(place.dir, 'filter.bpf');
    writeFileSync(filter, seccompFilter());
    const dockerFloor = [floor[0] ?? '', 'docker', rootfs, `${place.prefix}floor`, filter];
    rows.push(
      ...runRows(rounds, 'run, spec config', runtimes, spec, floor),
      ...runRows(rounds, 'run, docker config', runtimes, docker, dockerFloor),
      ...systemdRows(rounds, place, native),
      ...rhythmRows(rounds, native, spec, floor),
      ...coldRows(Math.ceil(rounds / 20), native, spec),
      ...stepRows(rounds, runtimes, spec),
      ...execRows(rounds, place, runtimes),
      ...stateRows(rounds, runtimes, spec),
      ...createdRows(place, runtimes, spec),
      ...limitRows(place, native),
      ...parallelRows(Math.ceil(rounds / 20), place, native),
    );
  }
  const columns = [...runtimes.map(({ name }) => name), FLOOR];
  const over = columns.filter((name) => name.startsWith('crun') || name === FLOOR);
  console.log(table(rows, columns, over));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ rounds, rows }, null, 2)}\n`);
  await verifyNothingLeft(place, state);
}

try {
  await main();
} finally {
  rmSync(place.dir, { recursive: true, force: true });
}
