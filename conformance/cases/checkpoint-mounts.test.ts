import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpoint, count, counter, countsBeyond, restore, start, stateOf } from '../harness/checkpoint.ts';
import { changeImage, numberIn, setField, textIn } from '../harness/criu-images.ts';
import { criuLacking } from '../harness/criu.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import type { Mount } from '../harness/mountinfo.ts';
import type { TestConfig } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const lacking = criuLacking();
const CRUN = { crun: 'the crun of Debian 12 is built without criu' };

async function mountsOf(rt: Sandbox, id: string): Promise<Mount[]> {
  const { pid } = await stateOf(rt, id);
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** All entries of a directory, recursively. */
function contents(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
}

/** A bundle with a read-only root filesystem that its program does not need; the image has no /tmp. */
function readOnlyBundle(rt: Sandbox): Bundle {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/probe', 'wait'];
    config.root.readonly = true;
  });
  rmSync(join(bundle.rootfs, 'tmp'), { recursive: true, force: true });
  return bundle;
}

forEachRuntime(
  'checkpoint: a read-only root without /tmp is restored read-only, and nothing is left in it',
  async (t, rt) => {
    const bundle = readOnlyBundle(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    const before = contents(bundle.rootfs);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
    t.ok(mountAt(await mountsOf(rt, id), '/')?.options.includes('ro'));
    const written = await rt.command('exec', id, '/bin/sh', '-c', ': >/written');
    t.match(written, { status: 1, stderr: /Read-only file system/ });
    t.strictSame(contents(bundle.rootfs), before);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, deviates: { ...CRUN, runc: '1.1 restores it with a writable root' } },
);

forEachRuntime(
  'checkpoint: a root on a read-only filesystem needs a directory /tmp to be restored',
  async (t, rt) => {
    const bundle = readOnlyBundle(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    const remount = (...words: string[]): void => void execFileSync('mount', [...words, bundle.rootfs]);
    remount('--bind', bundle.rootfs);
    remount('-o', 'remount,bind,ro');
    const refused = await restore(rt, bundle, id);
    t.match(refused, { status: 1, stderr: /Read-only file system/ });
    if (rt.runtime.ours) t.match(refused.stderr, /hint.*directory \/tmp/);
    remount('-o', 'remount,bind,rw');
    mkdirSync(join(bundle.rootfs, 'tmp'));
    remount('-o', 'remount,bind,ro');
    t.equal((await restore(rt, bundle, id)).status, 0);
    t.ok(mountAt(await mountsOf(rt, id), '/')?.options.includes('ro'));
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    execFileSync('umount', [bundle.rootfs]);
    t.strictSame(readdirSync(join(bundle.rootfs, 'tmp')), []);
  },
  { lacking, deviates: { ...CRUN, runc: '1.1 writes to the root in any case' } },
);

/**
 * Makes the images claim that the root was read-only: sets MS_RDONLY in `flags` (mnt.proto of CRIU, field 5) of "/".
 */
function claimReadOnlyRoot(directory: string): void {
  const name = readdirSync(directory).find((file) => /^mountpoints-\d+\.img$/.test(file)) ?? '';
  changeImage(join(directory, name), (entries) => {
    for (const entry of entries) if (textIn(entry, 7) === '/') setField(entry, 5, numberIn(entry, 5) | 1n);
  });
}

forEachRuntime(
  'checkpoint: a root that cannot become read-only again is not restored',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'exec 3>/tmp/open; exec /bin/probe wait'];
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await until('it waits', () => existsSync(join(bundle.rootfs, 'tmp/open')));
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    bundle.config.root.readonly = true;
    bundle.save();
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /the mount on .*"\/\\?" lacks options/ });
    claimReadOnlyRoot(join(rt.dir, 'images'));
    // Since criu 4.2 the root is read-only before its files are opened.
    const words =
      /cannot set the options of a mount: device or resource busy|Can't open file tmp\/open.*: Read-only file system/;
    t.match(await restore(rt, bundle, id), { status: 1, stderr: words });
    t.equal((await rt.command('state', id)).status, 1, 'it is gone');
  },
  { lacking, oursOnly: 'runc takes from the images what they say' },
);

forEachRuntime(
  'checkpoint: masks and mounts keep their options through three rounds',
  async (t, rt) => {
    const shared = join(rt.dir, 'shared');
    writeFileSync(shared, 'from the host');
    const files = ['/first', '/second', '/third'];
    const masks = ['/proc/interrupts', '/proc/keys', '/proc/timer_list'];
    const bundle = counter(rt, (config) => {
      config.linux.maskedPaths = [...masks, '/proc/acpi', '/sys/firmware'];
      config.linux.readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys'];
      for (const destination of files) {
        const options = ['bind', 'ro', 'nosuid', 'nodev', 'noexec'];
        config.mounts.push({ destination, type: 'bind', source: shared, options });
      }
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    const protectionOf = (mounts: readonly Mount[]): Record<string, string> =>
      Object.fromEntries(
        mounts.map(({ target, options }) => {
          return [target, options.filter((word) => /^(?:ro|nosuid|nodev|noexec)$/.test(word)).join()];
        }),
      );
    const before = protectionOf(await mountsOf(rt, id));
    for (const path of masks) t.equal(before[path], 'ro,nosuid,noexec', path);
    for (const path of files) t.equal(before[path], 'ro,nosuid,nodev,noexec', path);
    for (const round of [1, 2, 3]) {
      await countsBeyond(bundle, count(bundle));
      t.match(await checkpoint(rt, id), { status: 0, stderr: '' }, `checkpoint ${round}`);
      const last = count(bundle);
      t.match(await restore(rt, bundle, id), { status: 0, stderr: '' }, `restore ${round}`);
      await countsBeyond(bundle, last);
      t.strictSame(protectionOf(await mountsOf(rt, id)), before, `mounts after round ${round}`);
      rmSync(join(rt.dir, 'images'), { recursive: true });
    }
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  {
    lacking,
    deviates: { ...CRUN, runc: '1.1 leaves CRIU to drop the options of the second and later mounts of one file' },
  },
);

forEachRuntime(
  'checkpoint: the config of "spec" in an image without /tmp, three times',
  async (t, rt) => {
    const bundle = readOnlyBundle(rt);
    rmSync(join(bundle.dir, 'config.json'));
    t.equal((await rt.command('spec', '--bundle', bundle.dir)).status, 0);
    const config = JSON.parse(readFileSync(join(bundle.dir, 'config.json'), 'utf8')) as TestConfig;
    config.process.terminal = false;
    config.process.args = ['/bin/probe', 'wait'];
    config.linux.cgroupsPath = bundle.config.linux.cgroupsPath;
    bundle.saveText(JSON.stringify(config));
    const id = rt.nextId();
    await start(rt, bundle, id);
    const before = contents(bundle.rootfs);
    const seen = async (): Promise<string[]> =>
      (await mountsOf(rt, id)).map(({ target, options }) => `${target} ${options.join()}`).sort();
    const mounts = await seen();
    for (const round of [1, 2, 3]) {
      t.match(await checkpoint(rt, id), { status: 0, stderr: '' }, `checkpoint ${round}`);
      t.match(await restore(rt, bundle, id), { status: 0, stderr: '' }, `restore ${round}`);
      t.equal((await stateOf(rt, id)).status, 'running');
      t.strictSame(await seen(), mounts, `mounts after round ${round}`);
      rmSync(join(rt.dir, 'images'), { recursive: true });
    }
    t.strictSame(contents(bundle.rootfs), before, 'nothing is left in the image');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, deviates: { ...CRUN, runc: '1.1 restores a read-only root as a writable one' } },
);

forEachRuntime(
  'checkpoint: destinations and masks through symbolic links of the image',
  async (t, rt) => {
    const source = (name: string): string => {
      const path = join(rt.dir, name);
      mkdirSync(path);
      writeFileSync(join(path, 'file'), name);
      return path;
    };
    const inner = source('inner');
    const bundle = counter(rt, (config) => {
      const options = ['bind', 'ro'];
      config.mounts.push(
        { destination: '/var/run/secrets', type: 'bind', source: source('secrets'), options },
        { destination: '/relative/data', type: 'bind', source: inner, options: ['bind'] },
        // Through links of the image into the previous mount.
        { destination: '/etc/link/below', type: 'bind', source: source('below'), options },
      );
      config.linux.maskedPaths = ['/var/run/masked'];
    });
    mkdirSync(join(bundle.rootfs, 'run/masked'), { recursive: true });
    mkdirSync(join(bundle.rootfs, 'var/place'), { recursive: true });
    mkdirSync(join(bundle.rootfs, 'etc'), { recursive: true });
    symlinkSync('/run', join(bundle.rootfs, 'var/run'));
    symlinkSync('var/../var/place', join(bundle.rootfs, 'relative'));
    symlinkSync('../relative/data', join(bundle.rootfs, 'etc/link'));
    mkdirSync(join(inner, 'below'));
    const id = rt.nextId();
    await start(rt, bundle, id);
    for (const round of [1, 2]) {
      await countsBeyond(bundle, count(bundle));
      t.match(await checkpoint(rt, id), { status: 0, stderr: '' }, `checkpoint ${round}`);
      t.match(await restore(rt, bundle, id), { status: 0, stderr: '' }, `restore ${round}`);
      const mounts = await mountsOf(rt, id);
      t.ok(mountAt(mounts, '/run/secrets')?.options.includes('ro'));
      t.ok(mountAt(mounts, '/run/masked')?.options.includes('ro'));
      t.ok(mountAt(mounts, '/var/place/data/below')?.options.includes('ro'));
      const files = ['/var/run/secrets/file', '/relative/data/file', '/etc/link/below/file'];
      const read = await rt.command('exec', id, '/bin/cat', ...files);
      t.equal(read.stdout, 'secretsinnerbelow');
      rmSync(join(rt.dir, 'images'), { recursive: true });
    }
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, deviates: CRUN },
);

forEachRuntime(
  'checkpoint: mount points that are missing in the source of another mount are made again',
  async (t, rt) => {
    const outer = join(rt.dir, 'outer');
    const source = join(rt.dir, 'inner');
    mkdirSync(outer);
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'from the host');
    // A source may be a link.
    symlinkSync(outer, join(rt.dir, 'alias'));
    const bundle = counter(rt, (config) => {
      config.mounts.push(
        { destination: '/t', type: 'bind', source: join(rt.dir, 'alias'), options: ['bind'] },
        { destination: '/t/a/b', type: 'bind', source, options: ['bind'] },
        { destination: '/t/c', type: 'bind', source: join(source, 'file'), options: ['bind', 'ro'] },
      );
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    rmSync(join(outer, 'a'), { recursive: true });
    rmSync(join(outer, 'c'));
    const last = count(bundle);
    t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
    await countsBeyond(bundle, last);
    const read = await rt.command('exec', id, '/bin/cat', '/t/a/b/file', '/t/c');
    t.equal(read.stdout, 'from the hostfrom the host');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    t.strictSame(contents(outer), ['a', 'a/b', 'c']);
  },
  { lacking, deviates: { ...CRUN, runc: '1.1 makes mount points in the root alone' } },
);

forEachRuntime(
  'checkpoint: a mask on a mount of the host is not lost, since the container is refused',
  async (t, rt) => {
    const data = join(rt.dir, 'data');
    mkdirSync(data);
    const bundle = counter(rt, (config) => {
      config.mounts.push({ destination: '/data', type: 'bind', source: data, options: ['bind'] });
      config.linux.maskedPaths = ['/data'];
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 1, stderr: /several mounts on .*\/data/ });
    t.equal((await stateOf(rt, id)).status, 'running', 'it goes on');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, oursOnly: 'runc leaves it to criu' },
);
