import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { metricsLacking } from './cgroup.ts';
import type { Outcome } from './process.ts';
import { REPOSITORY } from './runtimes.ts';

const directory = join(REPOSITORY, 'build', 'criu');

/** A PATH in which the criu of `make test` comes first. */
export const CRIU_PATH = `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;

/** Why criu does not work here, or lacks a certain feature; undefined if it works. */
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
 * Asserts that a command that uses criu succeeded. It may fail without fault while a concurrent test of crun has
 * mounted a controller that is not visible here (with-controllers.sh; criu: "cg: controller hugetlb not found").
 *
 * @param directory contains logs of criu at some depth; runc does not print them
 */
export function criuSucceeded(t: Test, outcome: Outcome, directory: string): boolean {
  if (outcome.status === 0) return t.pass('criu succeeded');
  t.fail([outcome.stderr, ...criuErrors(directory)].join('\n'), { skip: metricsLacking() ?? false });
  return false;
}

function criuErrors(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)(dump|restore)\.log$/.test(path))
    .flatMap((path) => readFileSync(join(directory, path), 'utf8').split('\n'))
    .filter((line) => line.includes('Error'));
}
