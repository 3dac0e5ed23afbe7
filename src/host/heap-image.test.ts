import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const directory = mkdtempSync(join(tmpdir(), 'rt-heap-image-'));
t.teardown(() => rmSync(directory, { recursive: true }));

/** The heap image of build/rt.js (native/host/arena.h), made in a shell after `limit`. */
function image(program: string, limit: string, env: Readonly<Record<string, string>>): Buffer {
  const path = join(directory, 'image');
  const script = `${limit}; exec build/rt-unsealed image "$0" "$1" native/build/rehearsal.js`;
  execFileSync('sh', ['-c', script, program, path], { env });
  return readFileSync(path);
}

t.test('the heap image does not depend on the path, the environment, the stack or the clock', async (t) => {
  const elsewhere = join(directory, 'program.js');
  copyFileSync('build/rt.js', elsewhere);
  const one = image('build/rt.js', 'ulimit -s 8192', { PATH: '/usr/bin:/bin' });
  const two = image(elsewhere, 'ulimit -s 16384', { PATH: '/usr/bin:/bin', FILLER: 'x'.repeat(60_000) });
  t.ok(one.length > 1 << 20, 'it has the program');
  t.ok(one.equals(two), 'two images are the same');
});
