import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { metricsLacking } from './cgroup.ts';
import type { Outcome } from './process.ts';
import { REPOSITORY } from './runtimes.ts';
import { until } from './wait.ts';

const directory = join(REPOSITORY, 'build', 'criu');

/** A PATH in which the criu of `make test` comes first. */
export const CRIU_PATH = `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;

/** Why criu cannot do anything here, or has not a certain feature; undefined when it can. */
export function criuLacking(feature?: string): string | undefined {
  if (!existsSync(join(directory, 'criu'))) return 'criu is missing: make build/stamps/criu fetches it';
  try {
    const words = feature === undefined ? ['check'] : ['check', '--feature', feature];
    execFileSync(join(directory, 'criu'), words, { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `${feature ?? 'criu check'} fails on this kernel: ${String((error as { stderr?: unknown }).stderr).trim()}`;
  }
}

/**
 * Waits until no controller is mounted that is not seen here: criu refuses to go on ("cg: controller hugetlb not found").
 * with-controllers.sh mounts some for as long as somebody else tests crun.
 */
export async function controllersSeen(): Promise<void> {
  await until('nobody else holds a controller', () => metricsLacking() === undefined, 60_000);
}

/** What a command that failed said, logs of criu below a directory, and controllers that are in its way. */
export function criuErrors(outcome: Outcome, directory: string): string {
  if (outcome.status === 0) return '';
  const logs = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(^|\/)(dump|restore)\.log$/.test(path),
  );
  const errors = logs.flatMap((path) =>
    readFileSync(join(directory, path), 'utf8')
      .split('\n')
      .filter((line) => line.includes('Error'))
      .map((line) => `${path}: ${line}`),
  );
  return [outcome.stderr, ...errors, metricsLacking() ?? ''].join('\n');
}
