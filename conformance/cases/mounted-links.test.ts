import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import type { Stat, Text } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

/** A link on the host, `link` to `target`, and a bundle in which /link is one too, to /other. */
function prepare(rt: Sandbox, mutate: Mutation): { bundle: Bundle; link: string } {
  const bundle = rt.bundle(mutate);
  const link = join(rt.dir, 'link');
  writeFileSync(join(rt.dir, 'target'), 'of the host');
  symlinkSync('target', link);
  writeFileSync(join(bundle.rootfs, 'other'), 'of the image');
  symlinkSync('other', join(bundle.rootfs, 'link'));
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  if (bundle.config.linux.uidMappings !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  return { bundle, link };
}

for (const [where, mutate] of [
  ['', (): void => undefined],
  [' in a user namespace', addUserNamespace],
] as const) {
  forEachRuntime(
    `mounts: copy-symlink makes the link of the source again; anything else is bound${where}`,
    async (t, rt) => {
      const { bundle, link } = prepare(rt, mutate);
      bundle.config.mounts.push(
        { destination: '/made/copy', source: link, options: ['bind', 'ro', 'copy-symlink'] },
        { destination: '/file', source: join(rt.dir, 'target'), options: ['bind', 'copy-symlink'] },
      );
      const [copy, file] = await rt.observeBundle<[Stat, Text]>(bundle, [
        ['stat', '/made/copy'],
        ['read', '/file'],
      ]);
      t.match(copy, { type: 'link', link: 'target' });
      t.equal(file.text, 'of the host');
      t.equal(readlinkSync(join(bundle.rootfs, 'made/copy')), 'target');
    },
    { deviates: { runc: '1.1 does not know the word', crun: '1.8 follows the link' } },
  );

  forEachRuntime(
    `mounts: src-nofollow binds the link itself, and dest-nofollow covers one${where}`,
    async (t, rt) => {
      const { bundle, link } = prepare(rt, mutate);
      bundle.config.mounts.push(
        { destination: '/bound', source: link, options: ['bind', 'src-nofollow'] },
        { destination: '/link', source: link, options: ['bind', 'src-nofollow', 'dest-nofollow'] },
        { destination: '/made/new', source: link, options: ['bind', 'dest-nofollow'] },
      );
      const [bound, covered, other, made] = await rt.observeBundle<[Stat, Stat, Text, Text]>(bundle, [
        ['stat', '/bound'],
        ['stat', '/link'],
        ['read', '/other'],
        ['read', '/made/new'],
      ]);
      t.match(bound, { type: 'link', link: 'target' });
      t.match(covered, { type: 'link', link: 'target' });
      t.equal(other.text, 'of the image');
      t.equal(made.text, 'of the host');
      t.equal(readlinkSync(join(bundle.rootfs, 'link')), 'other', 'the image is unchanged');
    },
    { deviates: { runc: '1.1 does not know the words', crun: '1.8 follows the links' } },
  );
}

forEachRuntime(
  'mounts: dest-nofollow with a source that is a file covers the link, not what it leads to',
  async (t, rt) => {
    const { bundle } = prepare(rt, () => undefined);
    const source = join(rt.dir, 'target');
    bundle.config.mounts.push({ destination: '/link', source, options: ['bind', 'dest-nofollow'] });
    const [covered, other] = await rt.observeBundle<[Text, Text]>(bundle, [
      ['read', '/link'],
      ['read', '/other'],
    ]);
    t.equal(covered.text, 'of the host');
    t.equal(other.text, 'of the image');
  },
  { deviates: { runc: '1.1 does not know the word', crun: '1.8 follows the link' } },
);

forEachRuntime(
  'mounts: copy-symlink keeps the same link that is there, and refuses anything else',
  async (t, rt) => {
    for (const [name, what] of [
      ['same', 0],
      ['different', 1],
      ['file', 1],
    ] as const) {
      const bundle = rt.bundle((config) => {
        config.mounts.push({ destination: '/there', source: join(rt.dir, name), options: ['bind', 'copy-symlink'] });
      });
      symlinkSync('target', join(rt.dir, name));
      const there = join(bundle.rootfs, 'there');
      if (name === 'file') writeFileSync(there, 'kept');
      else symlinkSync(name === 'same' ? 'target' : 'elsewhere', there);
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, what, name);
      if (what === 0) continue;
      t.match(outcome.stderr, /cannot make link "\/there" to "target": something else is there/);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4\n/);
      if (name === 'file') t.equal(readFileSync(there, 'utf8'), 'kept');
      else t.ok(lstatSync(there).isSymbolicLink());
    }
  },
  { oursOnly: 'the peers have other messages' },
);

forEachRuntime(
  'mounts: a link of the image above the destination of copy-symlink leads nowhere on the host',
  async (t, rt) => {
    const { bundle, link } = prepare(rt, () => undefined);
    const canary = join(rt.dir, 'canary');
    mkdirSync(canary);
    symlinkSync(canary, join(bundle.rootfs, 'out'));
    bundle.config.mounts.push({ destination: '/out/copy', source: link, options: ['bind', 'copy-symlink'] });
    bundle.save();
    await rt.runBundle(bundle);
    t.throws(() => lstatSync(join(canary, 'copy')), { code: 'ENOENT' });
  },
  { oursOnly: 'older peers do not know the word' },
);

forEachRuntime(
  'mounts: copy-symlink, src-nofollow and dest-nofollow are refused where they have no meaning',
  async (t, rt) => {
    for (const [entry, words] of [
      [{ type: 'tmpfs', options: ['copy-symlink'] }, /are for bind mounts/],
      [{ type: 'tmpfs', options: ['dest-nofollow'] }, /are for bind mounts/],
      [{ type: 'bind', options: ['copy-symlink', 'src-nofollow'] }, /"copy-symlink" excludes "src-nofollow"/],
    ] as const) {
      const { type, options } = entry;
      const outcome = await rt.run((config) =>
        config.mounts.push({ destination: '/d', type, source: '/etc', options: [...options] }),
      );
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4\/options\n/);
    }
  },
  { oursOnly: 'the peers have other messages' },
);
