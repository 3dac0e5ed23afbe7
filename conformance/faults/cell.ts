import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseCall } from '../harness/calls.ts';
import { isUnified } from '../harness/cgroup.ts';
import { guestProgram, makeRootfs } from '../harness/guest.ts';
import { Broken, cgroupCommands, commandCases } from './commands.ts';
import type { CommandCase } from './commands.ts';
import { kindOf } from './configs.ts';
import { isKnown } from './errnos.ts';
import { distinct } from './distinct.ts';
import type { Kind, KindName } from './configs.ts';
import { Journal, entriesOf, keyOf } from './journal.ts';
import { leftSince, takeInventory } from './leftovers.ts';
import type { Inventory } from './leftovers.ts';
import { pointsOf, shardOf, spread } from './points.ts';
import type { Point } from './points.ts';
import { isSmall, World } from './world.ts';
import type { FaultyOutcome, Outcome } from './world.ts';

/** Selects the points of a kind of container to try. */
export interface Selection {
  readonly runtime: readonly string[];
  readonly journal: string;
  /** Journals of points not to be tried again. */
  readonly tried: readonly string[];
  readonly cgroup: string;
  /** Each point belongs to one shard, by a hash of its name. */
  readonly shard: readonly [index: number, count: number];
  /** Include points equivalent to another one. */
  readonly all: boolean;
  /** The number of points per command and kind of fault; unlimited if omitted. */
  readonly points: number | undefined;
  readonly kinds: readonly Point['kind'][];
  readonly commands: readonly string[] | undefined;
  readonly key: string | undefined;
  /** Include errors of the runtime's own calls, not only of its children's. */
  readonly ownErrors: boolean;
}

/** The cell was changed, so the next point needs a new one. */
export const spoiled = 75;
const other = 'other';

/** Tries the points of a kind in the namespaces of this process. Returns the exit status. */
export async function runCell(name: KindName, selection: Selection): Promise<number> {
  const kind = kindOf(name, `${selection.cgroup}/c`);
  for (const path of ['/run', '/tmp']) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path]);
  if (!kind.limits && !isUnified()) hideCgroups();
  const world = new World(selection.runtime, kind.terminal);
  mkdirSync(join(world.bundle, 'rootfs'), { recursive: true });
  makeRootfs(join(world.bundle, 'rootfs'));
  // The container's root cannot create it in a user namespace.
  mkdirSync(join(world.bundle, 'rootfs/mnt'));
  if (kind.terminal) await listen(world.consoleSocket);
  const others = kindOf(kind.limits ? 'docker' : 'no-cgroups', `${selection.cgroup}/${other}`).config;
  world.writeConfig(others);
  world.prepare('run', '--detach', '--bundle', world.bundle, other);
  const journal = new Journal(selection.journal);
  const done = new Set([...selection.tried, selection.journal].flatMap(entriesOf).map(keyOf));
  let status = 0;
  for (const command of commandCases(kind)) {
    if (selection.commands !== undefined && !selection.commands.includes(command.name)) continue;
    if (!kind.limits && cgroupCommands.has(command.name)) continue;
    status = runCommandCase(world, kind, command, selection, journal, done);
    if (status !== 0) break;
  }
  world.command('delete', '--force', world.id);
  world.command('delete', '--force', other);
  return status;
}

/** All except the controller that a container requires. */
function hideCgroups(): void {
  const devices = '/sys/fs/cgroup/devices';
  const aside = '/tmp/devices';
  mkdirSync(aside);
  execFileSync('mount', ['--bind', devices, aside]);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/sys/fs/cgroup']);
  mkdirSync(devices);
  execFileSync('mount', ['--move', aside, devices]);
  rmdirSync(aside);
}

async function listen(path: string): Promise<void> {
  const child = spawn(guestProgram('cell'), ['console', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.unref();
}

function runCommandCase(
  world: World,
  kind: Kind,
  command: CommandCase,
  selection: Selection,
  journal: Journal,
  done: ReadonlySet<string>,
): number {
  world.writeConfig({
    ...kind.config,
    process: { ...kind.config.process, args: command.program ?? kind.config.process.args },
  });
  // Twice: the first run makes missing mount points in the root filesystem.
  trial(world, command, undefined);
  tidy(world);
  const before = takeInventory(world, selection.cgroup);
  const { outcome, observed } = trial(world, command, undefined);
  if (outcome.status !== 0 || observed === undefined) {
    throw new Error(`${kind.name}, ${command.name}, undisturbed: status ${outcome.status}, ${outcome.stderr}`);
  }
  tidy(world);
  const left = leftSince(world, selection.cgroup, before);
  if (left.length > 0) throw new Error(`${kind.name}, ${command.name}, undisturbed, leaves ${left.join('; ')}`);

  const calls = outcome.calls.map(parseCall);
  const unknown = calls.filter((call) => (selection.ownErrors || call.process !== '0') && !isKnown(call));
  if (unknown.length > 0) {
    const names = new Set(unknown.map(({ name }) => name));
    throw new Error(`errnos.ts does not say how these fail: ${[...names].join(' ')}`);
  }
  const points = chosen(pointsOf(calls), selection);
  for (const point of points) {
    const id = { kind: kind.name, command: command.name, key: point.key };
    if (done.has(keyOf(id))) continue;
    const { verdict, problems, said, status } = tryPoint(world, command, point, observed, selection.cgroup, before);
    journal.add({ ...id, verdict, problems, said, status, path: point.call.path });
    if (problems.length > 0) return spoiled;
  }
  return 0;
}

function chosen(every: readonly Point[], { all, points: count, kinds, shard, key, ownErrors }: Selection): Point[] {
  if (key !== undefined) return every.filter((point) => point.key === key);
  const ofInterest = every.filter(({ kind, call }) => ownErrors || kind === 'kill' || call.process !== '0');
  const points = all ? ofInterest : distinct(ofInterest);
  const [index, shards] = shard;
  return kinds
    .flatMap((kind) => {
      const ofKind = points.filter((point) => point.kind === kind);
      return count === undefined ? ofKind : spread(ofKind, count);
    })
    .filter((point) => shardOf(point, shards) === index);
}

interface Trial {
  readonly outcome: FaultyOutcome;
  /** Undefined if the command failed. */
  readonly observed: string | undefined;
  readonly broken: string | undefined;
}

function trial(world: World, command: CommandCase, point: Point | undefined): Trial {
  command.before(world);
  const init = command.meetsInit === true ? world.state()?.pid : undefined;
  const onTerminal = world.terminal && command.foreground === true;
  const outcome = world.faulty(command.words(world), point, init, onTerminal);
  if (outcome.status !== 0) return { outcome, observed: undefined, broken: undefined };
  try {
    return { outcome, observed: command.observe(world, outcome), broken: undefined };
  } catch (error) {
    if (error instanceof Broken) return { outcome, observed: undefined, broken: error.message };
    throw error;
  }
}

/** Removes the container, and files that the caller must remove. */
function tidy(world: World): void {
  world.prepare('delete', '--force', world.id);
  rmSync(world.pidFile, { force: true });
}

interface Verdict {
  readonly verdict: 'clean' | 'dirty' | 'unreached';
  readonly problems: readonly string[];
  readonly status: number;
  readonly said: string;
}

function tryPoint(
  world: World,
  command: CommandCase,
  point: Point,
  expected: string,
  cgroup: string,
  before: Inventory,
): Verdict {
  const { outcome, observed, broken } = trial(world, command, point);
  const { status, stderr } = outcome;
  const problems: string[] = [];
  let removed = false;
  const killed = point.action === 'kill:0';
  if (outcome.hung) problems.push('it hangs');
  if (/internal error|protocol error/.test(stderr)) problems.push('it calls that a defect of its own');
  if (status === 139 || (status === 137 && !killed && stderr === ''))
    problems.push(`it ended with ${status}, without a word`);
  else if (status !== 0 && !killed && !/rt: /.test(stderr)) problems.push(`it ended with ${status}, without a word`);
  // A command that makes a container has succeeded even if the container dies afterwards. If another process has reaped
  // it, the runtime cannot tell whether it had reached its program, but the reaper knows how it ended.
  const diedLater =
    (command.name === 'create' || (command.name === 'start' && point.kind === 'kill')) &&
    point.call.process !== '0' &&
    world.state()?.status === 'stopped';
  if (broken !== undefined && !diedLater) problems.push(`it says that it has succeeded, but ${broken}`);
  // What the program shows on the terminal is what is observed; a part of a line may precede the message.
  const lost = /rt: (?:warning: )?(?:in|out)put of the terminal was lost/.test(stderr);
  if (observed !== undefined && isOther(expected, observed) && !lost)
    problems.push(`it succeeded, with a difference: ${difference(expected, observed)}`);
  if (status !== 0 && !killed && command.makes === true) {
    // In the foreground the program has run, and the file belongs to the caller.
    if (command.foreground === true) rmSync(world.pidFile, { force: true });
    if (existsSync(world.pidFile)) problems.push('it failed, and left a pid file');
    const left = leftSince(world, cgroup, before);
    if (left.length > 0) problems.push(`it failed, and left ${left.join('; ')}`);
    else removed = true;
  }
  if (!removed) problems.push(...remaining(world, killed, cgroup, before));
  const list = world.command('list', '--format', 'json');
  if (!isOtherAlone(list)) problems.push(`list: ${list.stdout}${list.stderr}`);
  const verdict = problems.length > 0 ? 'dirty' : outcome.reached ? 'clean' : 'unreached';
  return { verdict, problems, status, said: stderr.slice(-600) };
}

/** The faults found after the container has been removed. */
function remaining(world: World, killed: boolean, cgroup: string, before: Inventory): string[] {
  const problems: string[] = [];
  const removal = world.command('delete', '--force', world.id);
  if (removal.status !== 0) problems.push(`delete --force ended with ${removal.status}: ${removal.stderr.trim()}`);
  rmSync(world.pidFile, { force: true });
  // A killed command cannot remove the temporary pid file.
  if (killed) rmSync(join('/run', '.pid'), { force: true });
  const left = leftSince(world, cgroup, before);
  if (left.length > 0) problems.push(`there remains ${left.join('; ')}`);
  return problems;
}

/** Whether just the container that no command is about is listed, as running. */
function isOtherAlone({ status, stdout, stderr }: Outcome): boolean {
  if (status !== 0 || stderr !== '') return false;
  const [first, ...further] = JSON.parse(stdout) as { id: string; status: string }[];
  return first?.id === other && first.status === 'running' && further.length === 0;
}

/** What fails in a small mount namespace is made in a copy, where mounts are listed in another order. */
function isOther(expected: string, observed: string): boolean {
  return isSmall ? difference(expected, observed) !== '' : expected !== observed;
}

function difference(expected: string, observed: string): string {
  const [one, two] = [expected.split('\n'), observed.split('\n')];
  const missing = one.filter((line) => !two.includes(line)).map((line) => `-${line}`);
  const further = two.filter((line) => !one.includes(line)).map((line) => `+${line}`);
  return [...missing, ...further].slice(0, 6).join(' ');
}
