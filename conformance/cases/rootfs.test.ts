import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import type { Attempt, Names, Stat, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

forEachRuntime('root.readonly makes the whole root read-only', async (t, rt) => {
  const [top, dev] = await rt.observe<Attempt[]>(
    [
      ['create', '/x'],
      ['create', '/dev/x'],
    ],
    (config) => (config.root.readonly = true),
  );
  t.equal(top?.errno, 'EROFS');
  t.equal(dev?.errno, null, 'a tmpfs on top of it is not part of it');
});

forEachRuntime('root.readonly absent leaves it writable', async (t, rt) => {
  const [top] = await rt.observe<Attempt[]>([['create', '/x']]);
  t.equal(top?.errno, null);
});

forEachRuntime('root.readonly: mount points are still made', async (t, rt) => {
  const [stat] = await rt.observe<[Stat]>([['stat', '/made/here']], (config) => {
    config.root.readonly = true;
    config.mounts.push({ destination: '/made/here', type: 'tmpfs', source: 'tmpfs' });
  });
  t.equal(stat.type, 'directory');
});

forEachRuntime('root.path may be absolute', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'echo', 'here']));
  bundle.config.root.path = bundle.rootfs;
  bundle.save();
  t.equal((await rt.runBundle(bundle)).stdout, 'here');
});

for (const [what, prepare] of [
  ['missing', (path: string): void => rmSync(path, { recursive: true })],
  [
    'a file',
    (path: string): void => {
      rmSync(path, { recursive: true });
      writeFileSync(path, '');
    },
  ],
  [
    'a link',
    (path: string): void => {
      execFileSync('mv', [path, `${path}.real`]);
      symlinkSync(`${path}.real`, path);
    },
  ],
] as const) {
  forEachRuntime(
    `root.path ${what} is refused`,
    async (t, rt) => {
      const bundle = rt.bundle();
      prepare(bundle.rootfs);
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, 'rootfs');
    },
    {
      deviates: {
        crun: '1.8 follows a link',
        ...(what === 'a file' ? { runc: '1.1 names a mount point instead' } : {}),
      },
    },
  );
}

forEachRuntime(
  'root.path: a link is named, with its target, whatever the namespaces',
  async (t, rt) => {
    const variants: Mutation[] = [
      () => undefined,
      addUserNamespace,
      (config) => changeNamespace(config, 'mount'),
      (config) => {
        changeNamespace(config, 'mount');
        config.mounts = [];
      },
    ];
    for (const mutate of variants) {
      const bundle = rt.bundle(mutate);
      execFileSync('mv', [bundle.rootfs, `${bundle.rootfs}.real`]);
      symlinkSync('rootfs.real', bundle.rootfs);
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, `invalid rootfs: cannot open "${bundle.rootfs}": it is a symbolic link to "rootfs.real"`);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/root\/path\n {2}hint: set root\.path to the directory itself/);
    }
  },
  { oursOnly: 'the peers have other messages' },
);

forEachRuntime(
  'linux.maskedPaths, linux.readonlyPaths: a path that is listed again has one mount',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.linux.maskedPaths = ['/secret', '/hidden', '/hidden/', '//secret', '/secret'];
      config.linux.readonlyPaths = ['/fixed', '/fixed', '/./fixed'];
    });
    writeFileSync(join(bundle.rootfs, 'secret'), 'secret');
    for (const name of ['hidden', 'fixed']) mkdirSync(join(bundle.rootfs, name));
    const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
    const paths = parseMountinfo(info.text).map(({ target }) => target);
    for (const path of ['/secret', '/hidden', '/fixed'])
      t.strictSame(
        paths.filter((one) => one === path),
        [path],
      );
  },
  { oursOnly: 'older peers mount on each one' },
);

forEachRuntime('linux.maskedPaths: a file reads as empty, a directory is empty and read-only', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.linux.maskedPaths = ['/secret', '/hidden', '/proc/interrupts', '/proc/nonexistent'];
  });
  writeFileSync(join(bundle.rootfs, 'secret'), 'secret');
  mkdirSync(join(bundle.rootfs, 'hidden'));
  writeFileSync(join(bundle.rootfs, 'hidden/inside'), 'secret');
  const [file, text, names, create, kcore] = await rt.observeBundle<[Stat, Text, Names, Attempt, Stat]>(bundle, [
    ['stat', '/secret'],
    ['read', '/secret'],
    ['list', '/hidden'],
    ['create', '/hidden/new'],
    ['stat', '/proc/interrupts'],
  ]);
  t.match(file, { type: 'char', major: 1, minor: 3 });
  t.equal(text.text, '');
  t.strictSame(names.names, []);
  t.equal(create.errno, 'EROFS');
  t.match(kcore, { type: 'char', major: 1, minor: 3 });
});

forEachRuntime('linux.maskedPaths: a mask gives no access to the device of the host', async (t, rt) => {
  const { uid, gid, mode } = statSync('/dev/null');
  try {
    const lines = await rt.observe<Attempt[]>(
      [
        ['chmod', '/proc/interrupts', '600'],
        ['open', '/proc/interrupts', 'w'],
      ],
      (config) => (config.linux.maskedPaths = ['/proc/interrupts']),
    );
    t.equal(lines[1]?.errno, null, 'the mask can be written to');
    const after = statSync('/dev/null');
    t.strictSame([after.uid, after.gid, after.mode], [uid, gid, mode]);
  } finally {
    chownSync('/dev/null', uid, gid);
    chmodSync('/dev/null', mode & 0o7777);
  }
});

forEachRuntime(
  'linux.maskedPaths: a planted /dev/null is never used as the mask',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
      config.linux.maskedPaths = ['/proc/interrupts', '/secret'];
    });
    writeFileSync(join(bundle.rootfs, 'secret'), 'secret');
    symlinkSync('/proc/sys/kernel/core_pattern', join(bundle.rootfs, 'dev/null'));
    bundle.config.process.args = ['/bin/probe', 'stat', '/secret', '--', 'stat', '/proc/interrupts'];
    bundle.save();
    const outcome = await rt.runBundle(bundle);
    if (outcome.status !== 0) {
      t.match(outcome.stderr, /./, 'refused');
      return;
    }
    for (const line of outcome.stdout.trim().split('\n'))
      t.match(JSON.parse(line), { type: 'char', major: 1, minor: 3 });
  },
  { deviates: { runc: '1.1.5 has CVE-2025-31133', crun: 'not under test' } },
);

forEachRuntime('linux.readonlyPaths: reading works, writing does not', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.linux.readonlyPaths = ['/proc/sys', '/keep', '/proc/nonexistent'];
  });
  mkdirSync(join(bundle.rootfs, 'keep'));
  writeFileSync(join(bundle.rootfs, 'keep/file'), 'text');
  const [read, create, sysctl] = await rt.observeBundle<[Text, Attempt, Attempt]>(bundle, [
    ['read', '/keep/file'],
    ['create', '/keep/new'],
    ['open', '/proc/sys/kernel/hostname', 'w'],
  ]);
  t.equal(read.text, 'text');
  t.equal(create.errno, 'EROFS');
  t.equal(sysctl.errno, 'EROFS');
});

forEachRuntime(
  'linux.readonlyPaths: the root is read-only, as with root.readonly',
  async (t, rt) => {
    for (const path of ['/', '/./', '//']) {
      const [top, dev] = await rt.observe<Attempt[]>(
        [
          ['create', '/x'],
          ['create', '/dev/x'],
        ],
        (config) => (config.linux.readonlyPaths = [path]),
      );
      t.strictSame([top?.errno, dev?.errno], ['EROFS', null], path);
    }
  },
  { deviates: { crun: 'the root stays writable' } },
);

forEachRuntime(
  'linux.maskedPaths: the root cannot be masked',
  async (t, rt) => {
    const { status, stderr } = await rt.run((config) => (config.linux.maskedPaths = ['/tmp', '/tmp/..']));
    t.equal(status, 1);
    t.match(stderr, 'linux.maskedPaths[1] must not be the root, which would leave no program, found "/tmp/.."');
    t.match(stderr, /config\.json:\d+:\d+ {2}\/linux\/maskedPaths\/1/);
  },
  { oursOnly: 'the peers mask nothing then' },
);

forEachRuntime('linux.maskedPaths and readonlyPaths empty: nothing is hidden', async (t, rt) => {
  const [sysctl] = await rt.observe<[Attempt]>([['open', '/proc/sys/kernel/shmmax', 'w']], (config) => {
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
  });
  t.equal(sysctl.errno, null);
});

for (const [word, shown] of [
  ['private', []],
  ['slave', ['master']],
  ['shared', ['shared']],
  ['unbindable', ['unbindable']],
  ['rprivate', []],
  ['rslave', ['master']],
  ['rshared', ['shared']],
  ['runbindable', ['unbindable']],
] as const) {
  forEachRuntime(
    `linux.rootfsPropagation ${word}`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => (config.linux.rootfsPropagation = word));
      execFileSync('mount', ['--bind', bundle.rootfs, bundle.rootfs]);
      execFileSync('mount', ['--make-shared', bundle.rootfs]);
      const isRecursive = word.startsWith('r');
      if (isRecursive) execFileSync('mount', ['-t', 'tmpfs', 'below', join(bundle.rootfs, 'tmp')]);
      try {
        const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
        for (const path of isRecursive ? ['/', '/tmp'] : ['/']) {
          const tags = mountAt(parseMountinfo(info.text), path)?.propagation ?? ['missing'];
          for (const tag of shown) t.ok(tags.includes(tag), `${path}: ${tag} in ${tags.join(',')}`);
          if (shown.length === 0) t.strictSame(tags, [], path);
        }
        const below = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(
          ({ target, source }) => target.startsWith(`${bundle.rootfs}/`) && source !== 'below',
        );
        t.strictSame(below, [], 'the mounts of the container did not spread to the host');
      } finally {
        execFileSync('umount', ['--recursive', bundle.rootfs]);
      }
    },
    { deviates: word.endsWith('private') ? {} : { runc: '1.1 does not apply it to the new root' } },
  );
}

forEachRuntime('only mount points are made in the rootfs', async (t, rt) => {
  const bundle = rt.bundle();
  const before = readdirSync(bundle.rootfs).sort();
  await rt.runBundle(bundle);
  t.strictSame(readdirSync(bundle.rootfs).sort(), before);
  t.strictSame(readdirSync(join(bundle.rootfs, 'dev')), []);
  t.strictSame(readdirSync(join(bundle.rootfs, 'etc')), []);
});

forEachRuntime('a rootfs below a directory that only its owner may enter works', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.args = ['/bin/probe', 'echo', 'here'];
  });
  chmodSync(bundle.dir, 0o700);
  t.equal((await rt.runBundle(bundle)).stdout, 'here');
});
