/**
 * Injects one fault into each system call of each command that changes something: a process is killed there, or the
 * call fails.
 *
 * Environment: ALL=1 (also points that are like another one), SAMPLE=1 (some points of each command, on both hosts),
 * SHARD=2/4, FAULTS (kill, errno), CONFIG, COMMAND, POINT (only that), HOST (rt, node), RT_BINARY (instead of
 * build/rt). Points already tried with a binary are not repeated.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { compileGuestPrograms, guestProgram } from '../harness/guest.ts';
import { hierarchies, removeCgroup } from '../harness/cgroup.ts';
import { runCell, spoiled } from './cell.ts';
import type { Selection } from './cell.ts';
import { kindNames } from './configs.ts';
import type { KindName } from './configs.ts';
import { Journal } from './journal.ts';
import type { Entry } from './journal.ts';
import type { Point } from './points.ts';

const repository = resolve(import.meta.dirname, '../..');
const nodeProgram = join(repository, 'build/node/rt.js');

type Host = 'rt' | 'node';

/** Number of points per command and kind of fault: a command of the Node host takes ten times as long. */
const sampled: Readonly<Record<Host, { readonly points: number; readonly kinds: readonly KindName[] }>> = {
  rt: { points: 4, kinds: kindNames },
  node: { points: 1, kinds: ['docker', 'userns'] },
};

function main(): number {
  compileGuestPrograms();
  const sample = (process.env['SAMPLE'] ?? '') !== '';
  const hosts = (listOf('HOST') as Host[] | undefined) ?? (sample ? (['rt', 'node'] as const) : (['rt'] as const));
  const entries = hosts.flatMap((host) => tryHost(host, sample));
  const dirty = entries.filter(isDirty).length;
  process.stdout.write(`${entries.length} points tried, ${dirty} dirty\n`);
  return dirty === 0 ? 0 : 1;
}

function tryHost(host: Host, sample: boolean): Entry[] {
  const { env } = process;
  const cgroup = `/rt-faults-${process.pid}`;
  const program = host === 'rt' ? resolve(env['RT_BINARY'] ?? join(repository, 'build/rt')) : nodeProgram;
  const [index = 1, count = 1] = (env['SHARD'] ?? '1/1').split('/').map(Number);
  // The program of Node is started by a file that never changes.
  const changing = host === 'rt' ? program : join(repository, 'build/node/program.js');
  const build = createHash('sha256').update(readFileSync(changing)).digest('hex').slice(0, 12);
  const part = sample ? `sample-${process.pid}` : `${index}-of-${count}`;
  const directory = join(repository, 'build/faults');
  mkdirSync(directory, { recursive: true });
  const ofBuild = new RegExp(`^${host}-${build}-\\d+-of-\\d+\\.journal$`);
  const selection: Selection = {
    runtime: host === 'rt' ? [program] : [process.execPath, program],
    journal: join(directory, `${host}-${build}-${part}.journal`),
    tried: sample
      ? []
      : readdirSync(directory)
          .filter((name) => ofBuild.test(name))
          .map((name) => join(directory, name)),
    cgroup,
    shard: [index - 1, count],
    all: (env['ALL'] ?? '') !== '',
    points: sample ? sampled[host].points : undefined,
    kinds: (listOf('FAULTS') as Point['kind'][] | undefined) ?? ['kill', 'errno'],
    commands: listOf('COMMAND'),
    key: env['POINT'],
    // Faults in Node's own calls are not tested.
    ownErrors: host === 'rt',
  };
  const journal = new Journal(selection.journal);
  removeCgroups(cgroup);
  const wanted = listOf('CONFIG') as KindName[] | undefined;
  for (const name of wanted ?? (sample ? sampled[host].kinds : kindNames)) {
    process.stdout.write(`${host}, ${name}: what is tried goes into ${relative(repository, selection.journal)}\n`);
    let status: number;
    do {
      status = startCell(name, selection);
      removeCgroups(cgroup);
    } while (status === spoiled);
    if (status !== 0) throw new Error(`the cell of ${name} ended with ${status}`);
    process.stdout.write(summary(journal.entries(), host, name));
  }
  return journal.entries();
}

function listOf(name: string): readonly string[] | undefined {
  return process.env[name]?.split(',');
}

function startCell(name: KindName, selection: Selection): number {
  const namespaces = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--mount-proc',
    '--kill-child',
  ];
  const words = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...namespaces,
    guestProgram('cell'),
    'reap',
    process.execPath,
    ...process.execArgv,
  ];
  const { status } = spawnSync('nice', [...words, import.meta.filename, name, JSON.stringify(selection)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status ?? 1;
}

/** Leftovers of spoiled cells and interrupted runs: all processes of a cell have ended with its pid namespace. */
function removeCgroups(own: string): void {
  for (const hierarchy of hierarchies()) {
    for (const name of readdirSync(hierarchy)) {
      const run = /^rt-faults-(\d+)$/.exec(name)?.[1];
      if (run === undefined || (`/${name}` !== own && existsSync(`/proc/${run}`))) continue;
      try {
        removeCgroup(join(hierarchy, name));
      } catch (error) {
        // Another shard removes it, too.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }
}

function isDirty({ verdict }: Entry): boolean {
  return verdict === 'dirty';
}

function summary(entries: readonly Entry[], host: Host, kind: string): string {
  const ofKind = entries.filter((entry) => entry.kind === kind);
  const commands = [...new Set(ofKind.map(({ command }) => command))];
  const counts = commands.map((command) => {
    const verdicts = ofKind.filter((entry) => entry.command === command).map(({ verdict }) => verdict);
    const count = (wanted: Entry['verdict']): number => verdicts.filter((verdict) => verdict === wanted).length;
    const found = `${count('clean')} clean, ${count('dirty')} dirty, ${count('unreached')} not reached`;
    return `${host}, ${kind}, ${command}: ${verdicts.length} tried, ${found}\n`;
  });
  return [...counts, ...ofKind.filter(isDirty).map(reproduction)].join('');
}

function reproduction({ kind, command, key, path, problems, status, said }: Entry): string {
  const words = `make test-faults CONFIG='${kind}' COMMAND='${command}' POINT='${key}'`;
  return `not ok: ${kind}, ${command}, ${key} ${path}: ${problems.join('; ')}\n  status ${status}: ${said.trim()}\n  ${words}\n`;
}

const [cell, selection] = process.argv.slice(2);
// A cell has a listening process as long as it exists.
process.exit(cell === undefined ? main() : await runCell(cell as KindName, JSON.parse(selection ?? '{}') as Selection));
