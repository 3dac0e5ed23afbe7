/**
 * Feeds generated data to the readers of untrusted data in rt: those in TypeScript in this process, those in C with
 * libFuzzer.
 *
 *   run.ts [--seconds=60] [--seed=N] [--first=N] [--runs=N] [--native=DIRECTORY] [--input=FILE] [TARGET...]
 *
 * The seconds are for all targets together. Input N of a seed is always the same. An input that finds a defect is
 * minimized and kept in build/fuzz.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { random } from '../../schema/mutations.ts';
import { shrink } from './shrink.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';
import { guard } from './watchdog.ts';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    first: { type: 'string', default: '0' },
    runs: { type: 'string', default: 'Infinity' },
    native: { type: 'string' },
    input: { type: 'string' },
  },
});
const root = fileURLToPath(new URL('../../', import.meta.url));
const found = join(root, 'build/fuzz');
/** Seconds that one input may take on a busy machine. */
const limit = 20;
const seed = Number(given.seed);

function isWanted(name: string): boolean {
  return positionals.length === 0 || positionals.includes(name);
}

function faultOf(target: Target, input: string): Error | undefined {
  try {
    target.check(input);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Runs a target for some time. False when it found a defect. */
function fuzz(target: Target, seconds: number): boolean {
  const first = Number(given.first);
  const last = first + Number(given.runs);
  const end = performance.now() + seconds * 1000;
  let units = 0;
  let run = first;
  for (; run < last && performance.now() < end; run++) {
    watch.begin(target.name, run);
    const input = target.make(random(seed + run));
    try {
      units += target.check(input);
    } catch {
      report(target, input, run);
      return false;
    }
  }
  watch.end();
  console.log(`ok ${target.name}: ${units} ${target.unit}, ${run - first} runs`);
  return true;
}

function report(target: Target, input: string, run: number): void {
  watch.end();
  const fault = faultOf(target, input);
  const kind = kindOf(fault);
  const small = shrink(input, (text) => kindOf(faultOf(target, text)) === kind);
  const file = join(found, `${target.name}-${seed + run}`);
  writeFileSync(file, small);
  console.log(`not ok ${target.name}: ${faultOf(target, small)?.stack ?? 'not again'}`);
  console.log(`  again: npx tsx conformance/fuzz/run.ts ${target.name} --input=${file}`);
  console.log(`  or:    npx tsx conformance/fuzz/run.ts ${target.name} --seed=${seed} --first=${run} --runs=1`);
}

/** The same defect has the same message, except for numbers, and the same place. */
function kindOf(error: Error | undefined): string | undefined {
  const [words, place] = error?.stack?.split('\n') ?? [];
  return words === undefined
    ? undefined
    : `${words.replaceAll(/[0-9a-f]*\d[0-9a-f]*|"[^"]*"/g, '').slice(0, 60)} ${place ?? ''}`;
}

/** libFuzzer reports its findings and how to repeat them. */
function fuzzNative(directory: string, name: string, seconds: number): boolean {
  const own = [join(directory, 'corpus', name), join(root, 'conformance/fuzz/corpus', name)].filter(existsSync);
  const grown = join(found, 'grown', name);
  mkdirSync(grown, { recursive: true });
  const program = join(directory, name);
  const options = [
    `-seed=${seed}`,
    `-max_total_time=${Math.ceil(seconds)}`,
    `-timeout=${limit}`,
    `-artifact_prefix=${join(found, name)}-`,
  ];
  const { status, stderr } = spawnSync(program, [...options, '-max_len=65536', '-print_final_stats=1', grown, ...own], {
    encoding: 'utf8',
  });
  const runs = /number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? '0';
  if (status === 0) console.log(`ok ${name}: ${runs} runs`);
  else console.log(`not ok ${name}: ${stderr.slice(-6000)}\n  again: ${program} FILE`);
  return status === 0;
}

mkdirSync(found, { recursive: true });
const watch = guard(limit, seed);
if (given.input !== undefined) {
  const text = readFileSync(given.input, 'utf8');
  for (const target of targets.filter(({ name }) => isWanted(name))) target.check(text);
  watch.close();
} else {
  const { native } = given;
  const programs =
    native === undefined ? [] : readdirSync(native).filter((name) => name.startsWith('native-') && isWanted(name));
  const wanted = targets.filter(({ name }) => isWanted(name));
  const share = Number(given.seconds) / (programs.length + wanted.length);
  console.log(`seed ${seed}`);
  const results = [
    ...programs.map((name) => fuzzNative(native ?? '', name, share)),
    ...wanted.map((target) => fuzz(target, share)),
  ];
  watch.close();
  process.exitCode = results.every(Boolean) ? 0 : 1;
}
