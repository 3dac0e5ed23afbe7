/** Ends the process if one input takes too long: an endless loop cannot be stopped from within. */
import { Worker } from 'node:worker_threads';

const program = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { counters, limit, seed, names } = workerData;
let last = -1, since = Date.now();
setInterval(() => {
  const count = Atomics.load(counters, 0);
  if (count !== last) { last = count; since = Date.now(); return; }
  if (count === 0 || Date.now() - since < limit * 1000) return;
  const name = Buffer.from(names).toString('utf8').split('\\0', 1)[0];
  writeSync(1, 'not ok ' + name + ': more than ' + limit + ' seconds\\n  again: npx tsx conformance/fuzz/run.ts ' + name +
    ' --seed=' + seed + ' --first=' + counters[1] + ' --runs=1\\n');
  process.kill(process.pid, 'SIGKILL');
}, 500);
`;

export interface Watch {
  readonly begin: (name: string, run: number) => void;
  readonly end: () => void;
  readonly close: () => void;
}

/** @param limit seconds for one input */
export function guard(limit: number, seed: number): Watch {
  const counters = new Int32Array(new SharedArrayBuffer(8));
  const names = new Uint8Array(new SharedArrayBuffer(64));
  const worker = new Worker(program, { eval: true, workerData: { counters, limit, seed, names } });
  let count = 0;
  let known = '';
  return {
    begin: (name, run) => {
      if (name !== known) names.set(Buffer.from(`${name}\0`));
      known = name;
      counters[1] = run;
      count = (count % 0x7fff_fffe) + 1;
      Atomics.store(counters, 0, count);
    },
    end: () => void Atomics.store(counters, 0, 0),
    close: () => void worker.terminate(),
  };
}
