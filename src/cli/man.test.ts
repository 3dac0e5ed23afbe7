import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { manPages } from './man.ts';
import { commands } from '../options/options.ts';
import type { CommandName } from '../options/options.ts';

const pages = manPages('2026-01-31');
const directory = mkdtempSync(join(tmpdir(), 'rt-man-'));
t.teardown(() => rmSync(directory, { recursive: true }));
for (const [name, text] of pages) writeFileSync(join(directory, name), text);

/** As a reader sees it. */
function shown(name: string): string {
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', MANWIDTH: '100', MAN_KEEP_FORMATTING: '' };
  return execFileSync('man', ['--local-file', join(directory, name)], { encoding: 'utf8', env });
}

t.test('manPages has a page for rt and for each command, which formatters accept without warnings', async (t) => {
  t.strictSame([...pages.keys()], ['rt.1', ...Object.keys(commands).map((name) => `rt-${name}.1`)]);
  for (const name of pages.keys()) {
    const path = join(directory, name);
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', path], { encoding: 'utf8' });
    t.strictSame([lint.error, lint.stdout, lint.stderr, lint.status], [undefined, '', '', 0], `mandoc ${name}`);
    const format = spawnSync('groff', ['-man', '-ww', '-z', '-T', 'utf8', path], { encoding: 'utf8' });
    t.strictSame([format.error, format.stderr, format.status], [undefined, '', 0], `groff ${name}`);
  }
});

t.test('a page shows the synopsis, and each option as typed', async (t) => {
  for (const name of Object.keys(commands) as CommandName[]) {
    const spec = commands[name];
    const text = shown(`rt-${name}.1`).replace(/\s+/g, ' ');
    t.ok(text.includes(`rt-${name} - ${spec.summary}`), `${name}: what it is`);
    t.ok(text.includes(`rt [global options] ${name} [options] ${spec.operands}`.trimEnd()), `${name}: synopsis`);
    for (const { long, name: plain, hidden = false, ...rest } of spec.options) {
      const end = 'bare' in rest ? '[' : ' ';
      t.equal(text.includes(` --${long ?? plain}${end}`), !hidden, `${name}: --${plain}`);
    }
  }
  const main = shown('rt.1');
  for (const words of ['rt-create(1)', '--systemd-cgroup', '128+S', '/run/rt', `sh -c 'ps`])
    t.ok(main.includes(words), words);
});

t.test('the pages of a program with another name name it so', (t) => {
  const renamed = manPages('2026-01-31', 'oci-rt');
  t.strictSame(
    [...renamed.keys()],
    [...pages.keys()].map((name) => `oci-${name}`),
  );
  const run = renamed.get('oci-rt-run.1') ?? '';
  for (const words of ['.TH OCI\\-RT\\-RUN 1 ', '\n.B oci\\-rt\n', '.BR oci\\-rt (1)'])
    t.ok(run.includes(words), words);
  const main = renamed.get('oci-rt.1') ?? '';
  for (const words of ['fBoci\\-rt\\-run\\fR(1)', '\noci\\-rt spec \\-\\-busybox\n', '/run/rt'])
    t.ok(main.includes(words), words);
  t.end();
});
