import { Failure } from '../../diag/diagnostic.ts';
import type { CgroupFacts } from '../../facts/facts.ts';
import { legacyCgroups, unifiedCgroup } from './record.ts';
import type { CgroupRecord, ContainerCgroup } from './record.ts';
import { versionOf } from './version.ts';

/** The cgroups of an additional process of a container. */
export interface ExecCgroups {
  /** Cgroup v1 `tasks` files to join. */
  readonly tasks: readonly string[];
  /** Cgroup v2 directories to start in, tried in order; '' is the runtime's own. */
  readonly directories: readonly string[];
  /** The one of `tasks` whose hierarchy counts processes; undefined if cgroup v2 does. */
  readonly counted: string | undefined;
}

/**
 * The container's own cgroups, or those below them that --cgroup names. `initPath`: the current path of init in the v2
 * hierarchy, below its mount point.
 */
export function execCgroups(
  cgroup: CgroupRecord,
  words: readonly string[],
  initPath: () => string | undefined,
): ExecCgroups {
  const { hierarchies, inside } = cgroup;
  if (hierarchies.length === 0 && words.length > 0) throw bad('the container has no cgroup');
  const divisible = versionOf(cgroup).unified;
  const below = parseWords(words, divisible);
  const unified = unifiedCgroup(hierarchies);
  const legacy = legacyCgroups(hierarchies);
  const tasks = legacy.map(({ controllers, directory }) => {
    const name = namesOf(controllers).find((controller) => below.has(controller)) ?? '';
    const path = below.get(name) ?? '';
    if (name !== '') below.delete(name);
    return `${directory}${path}/tasks`;
  });
  const everywhere = below.get('') ?? '';
  below.delete('');
  const [unknown] = below.keys();
  if (unknown !== undefined) throw bad(`unknown controller ${unknown}`);
  const counted = tasks[legacy.findIndex(({ controllers }) => controllers.includes('pids'))];
  if (unified === undefined) return { tasks, directories: [''], counted };
  const directory = divisible ? `${inside ?? unified.directory}${everywhere}` : unified.directory;
  // A cgroup that --cgroup names has no alternative.
  const directories = everywhere === '' ? [directory, ...actual(unified, initPath())] : [directory];
  return { tasks, directories, counted };
}

/** The file that moves a process into the runtime's cgroup, in the hierarchy that counts processes. */
export function ownPlace({ hierarchies }: CgroupFacts): string {
  const found = hierarchies.find(({ controllers }) => controllers.includes('pids')) ?? hierarchies[0];
  if (found === undefined) throw new Failure({ code: 'exec.cgroup', message: 'this host has no cgroups' });
  return `${found.mount}${found.own === '/' ? '' : found.own}/${versionOf(found).memberFile}`;
}

/** The current cgroup of init: a service manager in a container moves itself to one below. */
function actual({ mount }: ContainerCgroup, path: string | undefined): string[] {
  return path === undefined ? [] : [mount + path];
}

/** A named hierarchy is identified by its name alone. */
function namesOf(controllers: readonly string[]): string[] {
  return controllers.map((controller) => controller.replace(/^name=/, ''));
}

/** `PATH`, or repeated `CONTROLLER[,CONTROLLER]:PATH`: controller to path, which begins with a slash. */
function parseWords(words: readonly string[], unified: boolean): Map<string, string> {
  const paths = new Map<string, string>();
  for (const word of words) {
    const colon = word.indexOf(':');
    if (colon >= 0 && unified) throw bad(`${word}: cgroup v2 takes one path for all controllers`);
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

/** Checked by components, so that it cannot lead beside or above the container's cgroup. */
function subPath(text: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || text.includes('\0')) throw bad(`bad sub cgroup path: ${JSON.stringify(text)}`);
  return parts.map((part) => `/${part}`).join('');
}

function bad(words: string): Failure {
  return new Failure({ code: 'exec.cgroup', message: `invalid --cgroup argument: ${words}` });
}
