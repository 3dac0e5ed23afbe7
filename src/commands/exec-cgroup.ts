import { Failure } from '../diag/diagnostic.ts';
import { expectIfPresent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import type { CgroupFacts } from '../facts/facts.ts';
import type { CgroupRecord } from '../plan/types.ts';

/** The cgroups of an additional process of a container. */
export interface ExecCgroups {
  /** Cgroup v1 `tasks` files to join. */
  readonly tasks: readonly string[];
  /** Cgroup v2 directories to start in, tried in order; '' is the runtime's own. */
  readonly born: readonly string[];
  /** The one of `tasks` whose hierarchy counts processes; undefined where cgroup v2 does. */
  readonly counted: string | undefined;
}

const mountDepth = 4; // '', sys, fs, cgroup
const maximumFile = 1 << 16;

/** The container's cgroups, or those below them given with --cgroup. */
export function execCgroups(
  native: Native,
  { version, directories, inside }: CgroupRecord,
  pid: number,
  words: readonly string[],
): ExecCgroups {
  const below = parseWords(words, version);
  const unified = version === 2 ? (inside ?? directories[0]) : directories.find((directory) => isUnified(directory));
  const legacy = version === 2 ? [] : directories.filter((directory) => !isUnified(directory));
  const tasks = legacy.map((directory) => {
    const name = controllersOf(directory).find((controller) => below.has(controller)) ?? '';
    const path = below.get(name) ?? '';
    if (name !== '') below.delete(name);
    return `${directory}${path}/tasks`;
  });
  const everywhere = below.get('') ?? '';
  below.delete('');
  const [unknown] = below.keys();
  if (unknown !== undefined) throw bad(`unknown controller ${unknown}`);
  const counted = tasks[legacy.findIndex((directory) => controllersOf(directory).includes('pids'))];
  if (unified === undefined) return { tasks, born: [''], counted };
  const born = `${unified}${version === 2 ? everywhere : ''}`;
  // Asked for one below, there is no other.
  return { tasks, born: everywhere === '' ? [born, ...actual(native, pid, version)] : [born], counted };
}

/** The file that takes a process into the cgroup of the runtime, where processes are counted. */
export function ownPlace({ hierarchies }: CgroupFacts): string {
  const found = hierarchies.find(({ controllers }) => controllers.includes('pids')) ?? hierarchies[0];
  if (found === undefined) throw new Failure({ code: 'exec.cgroup', message: 'this host has no cgroups' });
  return `${found.mount}${found.own === '/' ? '' : found.own}/${found.version === 2 ? 'cgroup.procs' : 'tasks'}`;
}

/** Where init is now: a service manager in a container moves itself to a cgroup below, and out of the way. */
function actual(native: Native, pid: number, version: 1 | 2): string[] {
  const path = `/proc/${pid}/cgroup`;
  const text = expectIfPresent(native.readText(path, maximumFile), 'process.read', `cannot read "${path}"`, 'read');
  const line = text?.split('\n').find((one) => one.startsWith('0::/'));
  return line === undefined ? [] : [`/sys/fs/cgroup${version === 2 ? '' : '/unified'}${line.slice('0::'.length)}`];
}

function isUnified(directory: string): boolean {
  return controllersOf(directory).includes('unified');
}

function controllersOf(directory: string): string[] {
  return (directory.split('/')[mountDepth] ?? '').split(',');
}

/** `PATH`, or `CONTROLLER[,CONTROLLER]:PATH` more than once: controller to path, which begins with a slash. */
function parseWords(words: readonly string[], version: 1 | 2): Map<string, string> {
  const paths = new Map<string, string>();
  for (const word of words) {
    const colon = word.indexOf(':');
    if (colon >= 0 && version === 2) throw bad(`${word}: cgroup v2 has one path for all controllers`);
    if (colon < 0 && words.length > 1) throw bad(`${word} (missing <controller>: prefix)`);
    const path = subPath(word.slice(colon + 1));
    for (const name of colon < 0 ? [''] : word.slice(0, colon).split(',')) {
      if (name === '' && colon >= 0) throw bad(`${word} (empty <controller> prefix)`);
      if (paths.has(name)) throw bad(`controller ${name} specified multiple times`);
      paths.set(name, path);
    }
  }
  return paths;
}

/** Compared by components, so that nothing beside or above the container's cgroup is meant. */
function subPath(text: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || text.includes('\0')) throw bad(`bad sub cgroup path: ${JSON.stringify(text)}`);
  return parts.map((part) => `/${part}`).join('');
}

function bad(words: string): Failure {
  return new Failure({ code: 'exec.cgroup', message: `invalid --cgroup argument: ${words}` });
}
