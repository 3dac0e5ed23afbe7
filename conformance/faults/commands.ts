import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hierarchies } from '../harness/cgroup.ts';
import type { Kind } from './configs.ts';
import { comparable, lookAt } from './look.ts';
import { comesTrue } from './world.ts';
import type { FaultyOutcome, World } from './world.ts';

/** Description of a broken promise. */
export class Broken extends Error {}

/** A command that changes something, and its promises on success. */
export interface CommandCase {
  readonly name: string;
  /** Brings the container into the state that the command expects. */
  readonly before: (world: World) => void;
  readonly words: (world: World) => string[];
  /** The state after success; the same as in an undisturbed run. */
  readonly observe: (world: World, outcome: FaultyOutcome) => string;
  /** Init already exists and may be hit by faults. */
  readonly meetsInit?: boolean;
  /** It relays a terminal. */
  readonly foreground?: boolean;
  /** If it fails, nothing remains of the container. */
  readonly makes?: boolean;
  /** The program of the container, if it is not a long-running one. */
  readonly program?: readonly string[];
}

const look = ['status', 'limits', 'mountinfo'].map((name) => `/proc/self/${name}`);
const tell = ['/bin/cat', ...look, '/proc/sys/kernel/hostname', '/proc/sys/net/ipv4/ip_unprivileged_port_start'];
const stay = ['/bin/sleep', '1000000'];
const added = '/tmp/added.json';

export function commandCases({ terminal }: Kind): CommandCase[] {
  const socket = (world: World): string[] => (terminal ? ['--console-socket', world.consoleSocket] : []);
  const bundle = (world: World): string[] => ['--bundle', world.bundle, '--pid-file', world.pidFile];
  const create = (world: World): string[] => ['create', ...bundle(world), ...socket(world), world.id];
  const detached = (world: World): string[] => ['run', '--detach', ...bundle(world), ...socket(world), world.id];
  const running = (world: World): void => {
    world.prepare(...detached(world));
    rmSync(world.pidFile);
  };
  const tty = terminal ? ['--tty'] : [];
  return [
    {
      name: 'create',
      before: () => undefined,
      words: create,
      observe: (world) => {
        requireStatus(world, 'created');
        requireSuccess(world, 'start', world.id);
        return lookAtInit(world);
      },
      makes: true,
    },
    {
      name: 'start',
      before: (world) => {
        world.prepare(...create(world));
        rmSync(world.pidFile);
      },
      words: (world) => ['start', world.id],
      observe: lookAtInit,
      meetsInit: true,
    },
    { name: 'run --detach', before: () => undefined, words: detached, observe: lookAtInit, makes: true },
    {
      name: 'run',
      before: () => undefined,
      words: (world) => ['run', ...bundle(world), world.id],
      observe: (_, { stdout }) => comparable(stdout),
      foreground: true,
      makes: true,
      program: tell,
    },
    {
      name: 'exec --detach',
      before: running,
      words: (world) => [
        ...['exec', '--detach', '--pid-file', world.pidFile],
        ...tty,
        ...socket(world),
        ...[world.id, ...stay],
      ],
      observe: (world) => lookAtProgram(Number(readFileSync(world.pidFile, 'utf8'))),
    },
    {
      name: 'exec',
      before: running,
      words: (world) => ['exec', ...tty, world.id, ...tell],
      observe: (_, { stdout }) => comparable(stdout),
      foreground: true,
    },
    {
      name: 'kill',
      before: running,
      words: (world) => ['kill', world.id, 'KILL'],
      observe: (world) => {
        if (!comesTrue(() => world.state()?.status === 'stopped')) throw new Broken('the container goes on');
        return 'stopped';
      },
    },
    {
      name: 'pause',
      before: running,
      words: (world) => ['pause', world.id],
      observe: (world) => {
        return frozen(requireStatus(world, 'paused'));
      },
    },
    {
      name: 'resume',
      before: (world) => {
        running(world);
        world.prepare('pause', world.id);
      },
      words: (world) => ['resume', world.id],
      observe: (world) => {
        return frozen(requireStatus(world, 'running'));
      },
    },
    {
      name: 'update',
      before: running,
      words: (world) => ['update', '--cpu-share', '333', '--pids-limit', '77', world.id],
      observe: lookAtInit,
    },
    {
      name: 'mounts add',
      before: (world) => {
        running(world);
        writeFileSync(added, JSON.stringify([{ destination: '/mnt', type: 'tmpfs', source: 'tmpfs' }]));
      },
      words: (world) => ['mounts', 'add', world.id, added],
      observe: lookAtInit,
    },
    {
      name: 'delete',
      before: (world) => {
        running(world);
        world.prepare('kill', world.id, 'KILL');
        if (!comesTrue(() => world.state()?.status === 'stopped')) throw new Error('it does not stop');
      },
      words: (world) => ['delete', world.id],
      observe: gone,
    },
    {
      name: 'delete --force',
      before: running,
      words: (world) => ['delete', '--force', world.id],
      observe: gone,
    },
  ];
}

/** Commands that need a cgroup. */
export const cgroupCommands: ReadonlySet<string> = new Set(['pause', 'resume', 'update']);

/** The result is the pid of init. */
function requireStatus(world: World, wanted: string): number {
  const { status, pid } = world.state() ?? { status: 'none', pid: 0 };
  if (status !== wanted) throw new Broken(`the status is ${status}, not ${wanted}`);
  return pid;
}

function requireSuccess(world: World, ...words: string[]): void {
  const { status, stderr } = world.command(...words);
  if (status !== 0) throw new Broken(`${words.join(' ')} ended with ${status}: ${stderr.trim()}`);
}

function lookAtInit(world: World): string {
  return lookAtProgram(requireStatus(world, 'running'));
}

function lookAtProgram(pid: number): string {
  const status = `/proc/${pid}/status`;
  if (pid === 0 || !existsSync(status) || /^State:\s+[ZX]/m.test(readFileSync(status, 'utf8'))) {
    throw new Broken('the program does not run');
  }
  return lookAt(pid);
}

function frozen(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return hierarchies()
    .flatMap((hierarchy) => lines.map((line) => hierarchy + (line.split(':')[2] ?? '')))
    .flatMap((directory) => ['freezer.state', 'cgroup.freeze'].map((file) => join(directory, file)))
    .filter((file) => existsSync(file))
    .map((file) => `${file} ${readFileSync(file, 'utf8').trim()}`)
    .join('\n');
}

function gone(world: World): string {
  if (world.state() !== undefined) throw new Broken('the container is still there');
  return readdirSync(world.root).join(' ');
}
