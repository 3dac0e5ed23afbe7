import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt, Names, Text } from '../harness/guest.ts';
import { makeRootfs } from '../harness/guest.ts';
import { digest } from '../harness/leftovers.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

/** Directories of an overlay: layers from top to bottom, the upper directory, and the kernel's work directory. */
interface Layers {
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
}

/** Layers with files; `upper` and `work` are empty directories. */
function makeLayers(rt: Sandbox, ...contents: Record<string, string>[]): Layers {
  const at = (name: string): string => join(rt.dir, 'layers', name);
  const lower = contents.map((files, index) => {
    const layer = at(`lower-${index}`);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(layer, name, '..'), { recursive: true });
      writeFileSync(join(layer, name), text);
    }
    return layer;
  });
  for (const name of ['upper', 'work']) mkdirSync(at(name), { recursive: true });
  return { lower, upper: at('upper'), work: at('work') };
}

const overlayOptions = ({ lower, upper, work }: Layers): string[] => [
  `lowerdir=${lower.join(':')}`,
  `upperdir=${upper}`,
  `workdir=${work}`,
];

/** A removed file is a character device 0:0 in the upper directory. */
const isWhiteout = (path: string): boolean => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;

/** The root filesystem as an image of two layers, unpacked layer by layer, as in engines. */
async function unpackImage(rt: Sandbox): Promise<string[]> {
  const layout = join(rt.dir, 'layout');
  const scratch = join(rt.dir, 'scratch');
  const umoci = async (...words: string[]): Promise<void> => {
    const outcome = await run(['umoci', ...words], { env: { ...rt.env, HOME: rt.dir } });
    if (outcome.status !== 0) throw new Error(`umoci ${words.join(' ')}: ${outcome.stderr}`);
  };
  await umoci('init', '--layout', layout);
  await umoci('new', '--image', `${layout}:one`);
  await umoci('unpack', '--image', `${layout}:one`, scratch);
  makeRootfs(join(scratch, 'rootfs'));
  writeFileSync(join(scratch, 'rootfs/etc/first'), 'first layer');
  writeFileSync(join(scratch, 'rootfs/etc/both'), 'below');
  await umoci('repack', '--image', `${layout}:one`, scratch);
  // The next layer contains the changes since.
  await umoci('unpack', '--image', `${layout}:one`, `${scratch}-2`);
  writeFileSync(join(`${scratch}-2`, 'rootfs/etc/both'), 'above');
  writeFileSync(join(`${scratch}-2`, 'rootfs/etc/second'), 'second layer');
  await umoci('repack', '--image', `${layout}:one`, `${scratch}-2`);
  type Blobs = { manifests: { digest: string }[] } & { layers: { digest: string }[] };
  const blob = (name: string): string => join(layout, 'blobs', name.replace(':', '/'));
  const read = (path: string): Blobs => JSON.parse(readFileSync(path, 'utf8')) as Blobs;
  const { layers } = read(blob(read(join(layout, 'index.json')).manifests[0]?.digest ?? ''));
  return layers
    .map(({ digest }, index) => {
      const directory = join(rt.dir, `layer-${index}`);
      mkdirSync(directory);
      execFileSync('tar', ['-C', directory, '-xf', blob(digest)]);
      return directory;
    })
    .reverse();
}

forEachRuntime('an image on an overlay as root: only the upper directory is written', async (t, rt) => {
  const lower = await unpackImage(rt);
  t.equal(lower.length, 2, 'layers of the image');
  const layers = { ...makeLayers(rt), lower };
  const before = lower.map(digest);
  const bundle = rt.bundle((config) => {
    const script =
      'cat /etc/first /etc/both /etc/second; echo new >/etc/new; echo changed >/etc/both; busybox rm /etc/first';
    config.process.args = ['/bin/sh', '-c', `${script} && busybox ls /etc`];
  });
  const options = overlayOptions(layers).join(',');
  execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', bundle.rootfs]);
  try {
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(outcome.stdout, /^first layerabovesecond layer/);
    t.match(outcome.stdout, /both\nnew\nsecond\n$/);
  } finally {
    execFileSync('umount', [bundle.rootfs]);
  }
  t.strictSame(lower.map(digest), before, 'the layers are as they were');
  const written = (name: string): string => readFileSync(join(layers.upper, 'etc', name), 'utf8');
  t.equal(written('new'), 'new\n');
  t.equal(written('both'), 'changed\n');
  t.ok(isWhiteout(join(layers.upper, 'etc/first')));
});

forEachRuntime('an overlay as root with root.readonly: nothing is written', async (t, rt) => {
  const layers = makeLayers(rt, {});
  const bundle = rt.bundle((config) => {
    config.root.readonly = true;
    config.process.args = ['/bin/probe', 'create', '/etc/new'];
  });
  const lower = join(rt.dir, 'lower-rootfs');
  mkdirSync(lower);
  makeRootfs(lower);
  const options = overlayOptions({ ...layers, lower: [lower] }).join(',');
  execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', bundle.rootfs]);
  try {
    const outcome = await rt.runBundle(bundle);
    t.strictSame(JSON.parse(outcome.stdout || '{}'), { errno: 'EROFS' }, outcome.stderr);
  } finally {
    execFileSync('umount', [bundle.rootfs]);
  }
  t.notOk(existsSync(join(layers.upper, 'etc/new')));
});

forEachRuntime('an overlay as an entry of mounts: only the upper directory is written', async (t, rt) => {
  const layers = makeLayers(rt, { both: 'above', 'dir/second': '2' }, { both: 'below', first: '1', 'dir/third': '3' });
  const before = layers.lower.map(digest);
  const [both, names, create, remove, write] = await rt.observe<[Text, Names, Attempt, Attempt, Attempt]>(
    [
      ['read', '/data/both'],
      ['list', '/data/dir'],
      ['create', '/data/new'],
      ['unlink', '/data/first'],
      ['write', '/data/both', 'changed'],
    ],
    (config) => {
      config.mounts.push({
        destination: '/data',
        type: 'overlay',
        source: 'overlay',
        options: ['nosuid', 'nodev', ...overlayOptions(layers)],
      });
    },
  );
  t.equal(both.text, 'above');
  t.strictSame([...names.names].sort(), ['second', 'third']);
  t.strictSame([create.errno, remove.errno, write.errno], [null, null, null]);
  t.strictSame(layers.lower.map(digest), before, 'the layers are as they were');
  t.strictSame(readdirSync(layers.upper).sort(), ['both', 'first', 'new']);
  t.equal(readFileSync(join(layers.upper, 'both'), 'utf8').slice(0, 7), 'changed');
  t.ok(isWhiteout(join(layers.upper, 'first')));
});

forEachRuntime('an overlay of only lower directories, and one with the option ro, cannot be written', async (t, rt) => {
  const layers = makeLayers(rt, { one: '1' }, { two: '2' });
  const mount = (destination: string, options: string[]): { destination: string } & Record<string, unknown> => ({
    destination,
    type: 'overlay',
    source: 'overlay',
    options,
  });
  const [names, ...attempts] = await rt.observe<[Names, Attempt, Attempt]>(
    [
      ['list', '/lower'],
      ['create', '/lower/new'],
      ['create', '/readonly/new'],
    ],
    (config) => {
      config.mounts.push(mount('/lower', [`lowerdir=${layers.lower.join(':')}`]));
      config.mounts.push(mount('/readonly', ['ro', ...overlayOptions(layers)]));
    },
  );
  t.strictSame([...names.names].sort(), ['one', 'two']);
  for (const { errno } of attempts) t.equal(errno, 'EROFS');
  t.strictSame(readdirSync(layers.upper), []);
});

forEachRuntime('an overlay of many lower directories: options longer than fsconfig(2) accepts', async (t, rt) => {
  const numbers = Array.from({ length: 30 }, (_, index) => index);
  const layers = makeLayers(rt, ...numbers.map((index) => ({ [`of-${index}`]: 'text' })));
  const options = [...overlayOptions(layers), 'nosuid', 'noexec', 'nodev', 'noatime'];
  t.ok((options[0] ?? '').length > 1000);
  const [names, create, mounts] = await rt.observe<[Names, Attempt, Text]>(
    [
      ['list', '/data'],
      ['create', '/data/new'],
      ['read', '/proc/self/mountinfo'],
    ],
    (config) => config.mounts.push({ destination: '/data', type: 'overlay', source: 'overlay', options }),
  );
  t.strictSame([...names.names].sort(), numbers.map((index) => `of-${index}`).sort());
  t.equal(create.errno, null);
  t.strictSame(readdirSync(layers.upper), ['new']);
  const mount = mountAt(parseMountinfo(mounts.text), '/data');
  t.strictSame([...(mount?.options ?? [])].sort(), ['noatime', 'nodev', 'noexec', 'nosuid', 'rw']);
});
