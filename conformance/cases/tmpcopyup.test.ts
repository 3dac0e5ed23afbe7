import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { grantCapabilities } from '../harness/config.ts';
import type { Attempt, Names, Stat, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

/** A bundle with a tmpfs on /data, which the image fills. */
function withTmpfs(rt: Sandbox, options: string[]): Bundle {
  const bundle = rt.bundle((config) => {
    grantCapabilities(config, 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH');
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 't', options });
  });
  mkdirSync(join(bundle.rootfs, 'data'));
  return bundle;
}

forEachRuntime(
  'tmpcopyup: contents, types, modes and owners are copied, and the image is unchanged',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    const at = (name: string): string => join(bundle.rootfs, 'data', name);
    mkdirSync(at('dir/deep'), { recursive: true });
    chmodSync(at('dir'), 0o1750);
    chownSync(at('dir'), 11, 12);
    writeFileSync(at('dir/deep/file'), 'a'.repeat(100_000));
    writeFileSync(at('program'), 'x', { mode: 0o755 });
    chownSync(at('program'), 5, 6);
    chmodSync(at('program'), 0o4751);
    symlinkSync('dir/deep/file', at('link'));
    execFileSync('mkfifo', ['-m', '640', at('fifo')]);
    const [info, dir, file, program, link, text, made] = await rt.observeBundle<
      [Text, Stat, Stat, Stat, Stat, Text, Attempt]
    >(bundle, [
      ['read', '/proc/self/mountinfo'],
      ['stat', '/data/dir'],
      ['stat', '/data/dir/deep/file'],
      ['stat', '/data/program'],
      ['stat', '/data/link'],
      ['read', '/data/link'],
      ['create', '/data/new'],
    ]);
    t.equal(mountAt(parseMountinfo(info.text), '/data')?.type, 'tmpfs');
    t.match(dir, { type: 'directory', mode: 0o1750, uid: 11, gid: 12 });
    t.match(file, { type: 'file', size: 100_000 });
    t.match(program, { mode: 0o4751, uid: 5, gid: 6 });
    t.match(link, { type: 'link', link: 'dir/deep/file' });
    t.equal(text.text.length > 0, true);
    t.equal(made.errno, null);
    t.notOk(readdirSync(at('.')).includes('new'));
    t.equal(readFileSync(at('dir/deep/file'), 'utf8').length, 100_000);
  },
  { deviates: { runc: '1.1 lacks fifos', crun: '1.8 lacks fifos' } },
);

forEachRuntime(
  'tmpcopyup: fifos, and mode and owner of the directory itself',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    const at = (name: string): string => join(bundle.rootfs, 'data', name);
    execFileSync('mkfifo', ['-m', '640', at('fifo')]);
    chmodSync(at('.'), 0o2770);
    chownSync(at('.'), 21, 22);
    chmodSync(at('.'), 0o2770);
    const [fifo, top] = await rt.observeBundle<[Stat, Stat]>(bundle, [
      ['stat', '/data/fifo'],
      ['stat', '/data'],
    ]);
    t.match(fifo, { type: 'fifo', mode: 0o640 });
    t.match(top, { mode: 0o2770, uid: 21, gid: 22 });
  },
  { oursOnly: 'the peers leave these out' },
);

forEachRuntime('tmpcopyup: a read-only tmpfs has the contents', async (t, rt) => {
  const bundle = withTmpfs(rt, ['tmpcopyup', 'ro']);
  writeFileSync(join(bundle.rootfs, 'data/file'), 'there');
  const [text, write] = await rt.observeBundle<[Text, Attempt]>(bundle, [
    ['read', '/data/file'],
    ['create', '/data/new'],
  ]);
  t.equal(text.text, 'there');
  t.equal(write.errno, 'EROFS');
});

forEachRuntime(
  'tmpcopyup: options of the tmpfs apply',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup', 'mode=1700', 'uid=9', 'gid=8', 'size=1m']);
    writeFileSync(join(bundle.rootfs, 'data/file'), 'there');
    const [top, names] = await rt.observeBundle<[Stat, Names]>(bundle, [
      ['stat', '/data'],
      ['list', '/data'],
    ]);
    t.match(top, { mode: 0o1700, uid: 9, gid: 8 });
    t.strictSame(names.names, ['file']);
  },
  { deviates: { runc: '1.1 gives the root the mode of what it copies' } },
);

forEachRuntime('tmpcopyup: links of the image are not followed', async (t, rt) => {
  const bundle = withTmpfs(rt, ['tmpcopyup']);
  const secret = join(rt.dir, 'secret');
  writeFileSync(secret, 'of the host');
  symlinkSync(secret, join(bundle.rootfs, 'data/link'));
  const [link, text] = await rt.observeBundle<[Stat, Text]>(bundle, [
    ['stat', '/data/link'],
    ['read', '/data/link'],
  ]);
  t.match(link, { type: 'link', link: secret });
  t.equal(text.errno, 'ENOENT');
});

forEachRuntime(
  'tmpcopyup: a tmpfs that is too small is an error that names its option',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup', 'size=16k']);
    writeFileSync(join(bundle.rootfs, 'data/file'), 'x'.repeat(100_000));
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /"\/data".*no space left on device/);
    t.match(outcome.stderr, /raise its option size/);
  },
  { oursOnly: 'the peers have other messages' },
);

forEachRuntime(
  'tmpcopyup: too deep nesting is refused',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    mkdirSync(join(bundle.rootfs, 'data', 'd/'.repeat(80)), { recursive: true });
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /nested too deep/);
  },
  { oursOnly: 'the peers have no limit' },
);

forEachRuntime(
  'tmpcopyup: a type other than tmpfs is refused',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.mounts.push({ destination: '/data', type: 'mqueue', source: 'm', options: ['tmpcopyup'] });
    });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /option tmpcopyup is for the type tmpfs/);
    t.match(outcome.stderr, '/mounts/4');
  },
  { oursOnly: 'the peers have other messages' },
);
