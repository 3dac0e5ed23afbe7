/**
 * Runs containers in sequence, and fails if they leave something on the host or if a count grows with their number.
 * RUNS containers run /bin/true with a config like Docker's. A fiftieth of that number run in a user namespace, by
 * exec, and by the API in one process. RT is a command to use instead of build/rt.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { makeRootfs } from '../bench/bundles.ts';
import { dropCaches, grew, growth, kernelComplaints, ownRemains, takeCalmCensus, takeCensus } from './census.ts';
import type { Census, Growth } from './census.ts';
import { apiRuns, execs, makeFiles, runs } from './loads.ts';
import type { Host } from './loads.ts';

const times = Number(process.env['RUNS'] ?? 20_000);
const few = Math.ceil(times / 50);
const rt = process.env['RT'] ?? join(import.meta.dirname, '../../build/rt');
/** The kernel destroys namespaces asynchronously. */
const patience = 300_000;
/** How often caches are dropped meanwhile: a count that falls then was a cache. */
const dropEach = 15_000;

function progress(what: string, of: number): (done: number) => void {
  const begin = Date.now();
  const step = Math.max(1, Math.ceil(of / 10));
  return (done) => {
    if (done % step !== 0 && done !== of) return;
    console.log(`${what}: ${String(done)} of ${String(of)}, ${String(Math.round((Date.now() - begin) / 1000))} s`);
  };
}

/** Waits until nothing is left and nothing has grown, up to a deadline. Returns the state at that moment. */
async function settle(host: Host, before: Census): Promise<{ remains: string[]; found: Growth[] }> {
  const end = Date.now() + patience;
  let drop = Date.now() + 5_000;
  for (;;) {
    const remains = ownRemains(host.place, host.state);
    const found = growth(before, takeCensus(), times);
    if (remains.length === 0 && !found.some(grew)) return { remains, found };
    if (Date.now() > end) return { remains, found };
    if (Date.now() > drop) {
      dropCaches();
      drop += dropEach;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Removes the containers of an interrupted run, and all files. */
function cleanUp({ place, runtime: [file = '', ...options], state }: Host): void {
  for (const id of existsSync(state) ? readdirSync(state) : []) spawnSync(file, [...options, 'delete', '--force', id]);
  rmSync(place.dir, { recursive: true, force: true });
}

async function main(): Promise<number> {
  setPriority(10);
  const dir = mkdtempSync(join(tmpdir(), 'rt-soak-'));
  const state = join(dir, 'state');
  const host: Host = { place: { dir, prefix: `${basename(dir)}-` }, runtime: [rt, '--root', state], state };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      cleanUp(host);
      process.exit(130);
    });
  }
  makeRootfs(host.place);
  makeFiles(host.place);
  const complaints = kernelComplaints();
  try {
    // Permanent allocations of the first containers of each kind are made before counting.
    await runs(host, 20, false, () => undefined);
    await runs(host, 20, true, () => undefined);
    const before = await takeCalmCensus();
    await runs(host, times, false, progress('run', times));
    await runs(host, few, true, progress('run in a user namespace', few));
    await execs(host, few, progress('exec', few));
    await apiRuns(host, few);
    console.log(`API: ${String(few)} containers of one process`);
    const { remains, found } = await settle(host, before);
    for (const { name, before: from, after, allowed } of found) {
      console.log(
        `${name.padEnd(28)} ${String(from).padStart(8)} -> ${String(after).padStart(8)}  (may grow by ${String(allowed)})`,
      );
    }
    const said = [...kernelComplaints()].filter((line) => !complaints.has(line));
    const faults = [
      ...remains.map((line) => `left behind: ${line}`),
      ...found
        .filter(grew)
        .map(({ name, before: from, after }) => `grows: ${name}, ${String(from)} to ${String(after)}`),
      ...said.map((line) => `the kernel says: ${line}`),
    ];
    for (const fault of faults) console.log(fault);
    console.log(faults.length === 0 ? `nothing is left of ${String(times + 3 * few)} containers` : 'FAILED');
    return faults.length === 0 ? 0 : 1;
  } finally {
    cleanUp(host);
  }
}

process.exitCode = await main();
