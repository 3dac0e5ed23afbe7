import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './runtimes.ts';

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
