// Writes the man pages: tsx native/build/man.ts DIRECTORY
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manPages } from '../../src/cli/man.ts';

/** Date of the last commit, or today in an unpacked archive of the sources. */
function date(): string {
  try {
    return execFileSync('git', ['log', '-1', '--format=%cs'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return new Date().toISOString().slice(0, 10);
  }
}

const [directory = 'build/man'] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
for (const [name, text] of manPages(date())) writeFileSync(join(directory, name), text);
