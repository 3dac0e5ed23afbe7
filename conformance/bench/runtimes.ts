import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './measure.ts';

/** A measured runtime. */
export interface Measured {
  readonly name: string;
  /** Its command line. */
  readonly argv: readonly string[];
  /** The same with a separate state root. */
  readonly rooted: readonly string[];
}

/** Of the names of the peers that newest-peers.sh provides. */
const newestSuffix = '-new';

/** Their names. */
export const newestPeers = ['crun', 'runc'].map((name) => name + newestSuffix);

/** What a runtime calls its version. */
export function versionOf({ argv }: Measured): string {
  const [file = '', ...words] = argv;
  return spawnSync(file, [...words, '--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
}

function commandOf(name: string): string[] | undefined {
  if (name === 'rt') return installedBinary();
  const script = join(REPOSITORY, 'build/node/rt.js');
  if (name === 'node') return existsSync(script) ? [process.execPath, script] : undefined;
  const newest = join(REPOSITORY, 'build/peers', name.replace(newestSuffix, ''));
  if (name.endsWith(newestSuffix)) return existsSync(newest) ? [newest] : undefined;
  const found = spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
  return found === '' ? undefined : [found];
}

/**
 * A copy, as made by `make install`. The linker's output is in large folios in the page cache, and since Linux 6.18 one
 * fault maps a whole folio, which counts as the process's memory.
 */
function installedBinary(): string[] | undefined {
  const built = join(REPOSITORY, 'build/rt');
  const copy = join(REPOSITORY, 'build/conformance/rt');
  if (!existsSync(built)) return undefined;
  copyFileSync(built, copy);
  return [copy];
}

/** The installed runtimes that can run all bundles. The others are reported with the reason. */
export function usable(names: readonly string[], state: string, bundles: readonly string[]): Measured[] {
  return names.flatMap((name) => {
    const argv = commandOf(name);
    if (argv === undefined) {
      console.error(`${name}: not there, left out`);
      return [];
    }
    const rooted = [...argv, '--root', join(state, name)];
    const [file = '', ...words] = rooted;
    const failed = bundles
      .map((bundle) => spawnSync(file, [...words, 'run', '--bundle', bundle, 'bench'], { encoding: 'utf8' }))
      .find(({ status }) => status !== 0);
    if (failed === undefined) return [{ name, argv, rooted }];
    console.error(`${name}: left out, run ended with ${failed.status}: ${failed.stderr.trim()}`);
    return [];
  });
}
