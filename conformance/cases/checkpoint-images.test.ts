import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { checkpoint, count, counter, countsBeyond, restore, start } from '../harness/checkpoint.ts';
import {
  changeImage,
  changeInner,
  embedded,
  messageOf,
  numberIn,
  setField,
  textIn,
  withoutField,
} from '../harness/criu-images.ts';
import type { Field } from '../harness/criu-images.ts';
import { criuLacking } from '../harness/criu.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

/** Checkpoints that somebody has changed on their way: CRIU does what they say, with the privileges of root. */

const OURS = { lacking: criuLacking(), oursOnly: 'runc takes from the images what they say' };
const SECRET = 'of the host';

/** Numbers of the fields that are changed, in the messages of CRIU. */
const core = { process: 3, thread: 5, credentials: 10, limits: 8, oomScoreAdj: 14, policy: 4, priority: 5 };
const capabilities = [9, 10, 11, 12, 19];
const mount = { type: 1, device: 3, root: 6, path: 7, isExternal: 13 };
const file = { regular: 3, flags: 2, name: 6, size: 8, mode: 10 };
const TMPFS = 5n;
const NAMESPACE_OF_APPARMOR = 1;

interface Place {
  readonly images: string;
  readonly victim: string;
}

type Change = (place: Place) => void;

function inCore(change: (entry: Field[]) => void): Change {
  return ({ images }) => changeImage(join(images, 'core-1.img'), ([entry = []]) => change(entry));
}

/** Of the mount on a path; `root`: that of the root. */
function inMount(path: string, change: (entry: Field[], root: Field[], place: Place) => void): Change {
  return (place) => {
    const [name = ''] = readdirSync(place.images).filter((one) => one.startsWith('mountpoints-'));
    changeImage(join(place.images, name), (entries) => {
      const at = (wanted: string): Field[] => entries.find((entry) => textIn(entry, mount.path) === wanted) ?? [];
      change(at(path), at('/'), place);
    });
  };
}

/** Gives /dev/null, which is open, another name. */
function renamed(name: (place: Place) => string): Change {
  return inFile((entry, place) => {
    setField(entry, file.name, name(place));
    // CRIU compares only what is there.
    withoutField(entry, file.size);
    withoutField(entry, file.mode);
  });
}

function inFile(change: (entry: Field[], place: Place) => void): Change {
  return (place) =>
    changeImage(join(place.images, 'files.img'), (entries) => {
      for (const entry of entries) {
        if (textIn(embedded(entry, file.regular), file.name) !== '/dev/null') continue;
        changeInner(entry, file.regular, (inner) => change(inner, place));
      }
    });
}

/** Above any directory of these tests. */
const UP = '/..'.repeat(12);

const CHANGES: readonly (readonly [what: string, change: Change, words: RegExp])[] = [
  [
    'the credentials of a thread twice, the second time with capabilities',
    inCore((entry) => {
      const strong = embedded(entry, core.thread);
      changeInner(strong, core.credentials, (credentials) => {
        for (const set of capabilities) {
          withoutField(credentials, set);
          credentials.push([set, 0x5ffn], [set, 0n]);
        }
      });
      changeInner(entry, core.thread, (thread) =>
        changeInner(thread, core.credentials, (credentials) => {
          for (const set of capabilities) withoutField(credentials, set);
        }),
      );
      entry.push([core.thread, messageOf(strong)]);
    }),
    /core-1\.img.* is damaged/,
  ],
  [
    'a higher limit of open files',
    inCore((entry) =>
      changeInner(entry, core.process, (process) =>
        changeInner(process, core.limits, (limits) => {
          for (const [index, [, value]] of limits.entries()) {
            const limit = embedded([[1, value]], 1);
            if (numberIn(limit, 2) !== 100n) continue;
            setField(limit, 1, 200n);
            setField(limit, 2, 200n);
            limits[index] = [1, messageOf(limit)];
          }
        }),
      ),
    ),
    /higher RLIMIT_NOFILE.*\/process\/rlimits\/0/,
  ],
  [
    'no limits',
    inCore((entry) => changeInner(entry, core.process, (process) => withoutField(process, core.limits))),
    /higher RLIMIT_NOFILE/,
  ],
  [
    'a score with which it is never killed for want of memory',
    inCore((entry) =>
      changeInner(entry, core.process, (process) => setField(process, core.oomScoreAdj, 2n ** 64n - 1000n)),
    ),
    /less likely to be killed.*\/process\/oomScoreAdj/,
  ],
  [
    'a realtime policy',
    inCore((entry) =>
      changeInner(entry, core.thread, (thread) => {
        setField(thread, core.policy, 1n);
        setField(thread, core.priority, 50n);
      }),
    ),
    /preferred by the scheduler.*\/process\/scheduler/,
  ],
  [
    'a mount of the config that is a read-only one of the host, without its options',
    inMount('/scratch', (entry) => {
      setField(entry, mount.isExternal, 1n);
      setField(entry, mount.root, 'rt-bind-0');
    }),
    /different mount on .*\/scratch/,
  ],
  [
    'a read-only path that is a directory of the host',
    inMount('/proc/sys', (entry, root, { victim }) => {
      setField(entry, mount.type, 0n);
      setField(entry, mount.device, numberIn(root, mount.device));
      for (const field of [8, 9]) setField(entry, field, textIn(root, field));
      setField(entry, mount.root, `${textIn(root, mount.root)}${UP}${join(victim, '..')}`);
    }),
    /different mount on .*\/proc\/sys/,
  ],
  [
    'a mount of the config that is the root of the host',
    inMount('/scratch', (entry, root) => {
      setField(root, mount.type, TMPFS);
      setField(entry, mount.device, numberIn(root, mount.device));
      for (const field of [8, 9]) setField(entry, field, textIn(root, field));
      setField(entry, mount.root, textIn(root, mount.root));
    }),
    /mount on .*\/scratch|criu failed/,
  ],
  ...(['/data/masked', '/data/fixed'] as const).map(
    (path) =>
      [
        `no protection of ${path}`,
        ({ images }: Place): void => {
          const [name = ''] = readdirSync(images).filter((one) => one.startsWith('mountpoints-'));
          changeImage(join(images, name), (entries) => {
            const index = entries.findIndex((entry) => textIn(entry, mount.path) === path);
            entries.splice(index, 1);
          });
        },
        path === '/data/fixed' ? /fixed.* is not read-only/ : /masked.* is not masked/,
      ] as const,
  ),
  [
    'policies of AppArmor',
    ({ images }) => {
      cpSync(join(images, 'utsns-12.img'), join(images, 'apparmor.img'));
      changeImage(join(images, 'apparmor.img'), (entries) => {
        entries.splice(0, entries.length, [[NAMESPACE_OF_APPARMOR, messageOf([[1, Buffer.from('..')]])]]);
      });
    },
    /policies of AppArmor/,
  ],
  ['an open file that is emptied', inFile((entry) => setField(entry, file.flags, 0o1002n)), /made or emptied/],
];

forEachRuntime(
  'checkpoint: changed images add no right and no mount',
  async (t, rt) => {
    const { bundle, id, place } = await saved(t, rt);
    const last = count(bundle);
    for (const [what, change, words] of CHANGES) {
      const outcome = await restoreChanged(rt, bundle, id, place, change);
      t.equal(outcome.status, 1, what);
      t.match(outcome.stderr, words, what);
      t.equal(count(bundle), last, 'nothing ran');
    }
    t.match(
      await restoreChanged(
        rt,
        bundle,
        id,
        place,
        inCore(() => undefined),
      ),
      { status: 0, stderr: '' },
      'unchanged they may',
    );
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  OURS,
);

/** Descriptors of CRIU's own are among these, in a process with as few as here. */
const DESCRIPTORS = Array.from({ length: 17 }, (_, index) => 112 + index);

forEachRuntime(
  'checkpoint: no name in changed images leads to a file of the host',
  async (t, rt) => {
    const { bundle, id, place } = await saved(t, rt);
    const ways: [string, (fd: number) => Change][] = [
      ['descriptors', (fd) => renamed(({ victim }) => `/proc/self/fd/${fd}${UP}${victim}`)],
      [
        'descriptors of a process that is made later',
        (fd) => renamed(({ victim }) => `/proc/7/fd/${fd}${UP}${victim}`),
      ],
      [
        'a link of the image',
        (fd) => {
          rmSync(join(bundle.rootfs, 'way'), { force: true });
          symlinkSync(`proc/self/fd/${fd}${UP}`, join(bundle.rootfs, 'way'));
          return renamed(({ victim }) => `/way${victim}`);
        },
      ],
    ];
    for (const [what, way] of ways) {
      for (const fd of DESCRIPTORS) {
        const outcome = await restoreChanged(rt, bundle, id, place, way(fd));
        if (outcome.status === 1 && /is not one of the container/.test(outcome.stderr)) continue;
        t.fail(`${what}: ${fd}: ${outcome.status} ${outcome.stderr}`);
        await rt.command('delete', '--force', id);
      }
    }
    const outcomes: string[] = [];
    for (const fd of DESCRIPTORS) {
      const { status, stderr } = await restoreChanged(rt, bundle, id, place, (changed) => {
        addLink(rt, changed, `/proc/self/fd/${fd}${UP}`);
        renamed(({ victim }) => `/dev/way${victim}`)(changed);
      });
      t.equal(status, 1, `a link in a new file system: ${fd}`);
      outcomes.push(stderr);
    }
    t.ok(
      outcomes.some((words) => /criu has restored a file that is not one of the container: .*victim/.test(words)),
      'what criu has opened is not kept',
    );
    t.equal(readFileSync(place.victim, 'utf8'), SECRET);
    t.match(
      await restoreChanged(
        rt,
        bundle,
        id,
        place,
        renamed(() => '/dev/zero'),
      ),
      { status: 0 },
      'another of its own may be open',
    );
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  OURS,
);

/** Adds a link to the contents of /dev. */
function addLink(rt: Sandbox, { images }: Place, target: string): void {
  const [name = ''] = readdirSync(images).filter((one) => one.startsWith('tmpfs-dev-'));
  const archive = join(images, name);
  const contents = join(rt.dir, 'contents');
  rmSync(contents, { recursive: true, force: true });
  mkdirSync(contents);
  execFileSync('tar', ['--extract', '--gzip', '--file', archive, '--directory', contents]);
  symlinkSync(target, join(contents, 'way'));
  execFileSync('tar', ['--create', '--gzip', '--file', archive, '--directory', contents, '.']);
}

/** A container that was saved, and a copy of its images. */
async function saved(t: Test, rt: Sandbox): Promise<{ bundle: Bundle; id: string; place: Place }> {
  const data = join(rt.dir, 'data');
  for (const name of ['masked', 'fixed']) mkdirSync(join(data, name), { recursive: true });
  const victim = join(rt.dir, 'canary', 'victim');
  mkdirSync(join(victim, '..'), { mode: 0o700 });
  writeFileSync(victim, SECRET, { mode: 0o600 });
  const bundle = counter(rt, (config) => {
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', hard: 100, soft: 100 }];
    config.mounts.push({ destination: '/data', type: 'bind', source: data, options: ['bind', 'ro'] });
    config.mounts.push({ destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['nosuid'] });
    config.linux.readonlyPaths = ['/proc/sys', '/data/fixed'];
    config.linux.maskedPaths = ['/data/masked'];
  });
  const id = rt.nextId();
  await start(rt, bundle, id);
  await countsBeyond(bundle, 1);
  t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
  const images = join(rt.dir, 'images');
  cpSync(images, join(rt.dir, 'good'), { recursive: true });
  return { bundle, id, place: { images, victim } };
}

async function restoreChanged(
  rt: Sandbox,
  bundle: Bundle,
  id: string,
  place: Place,
  change: Change,
): ReturnType<typeof restore> {
  rmSync(place.images, { recursive: true });
  cpSync(join(rt.dir, 'good'), place.images, { recursive: true });
  change(place);
  const log = join(rt.dir, 'restore-log');
  if (existsSync(log)) rmSync(log);
  return restore(rt, bundle, id);
}

const permitted = BigInt(`0x${/^CapPrm:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
const missing = Object.entries({ CAP_SYS_RESOURCE: 24n, CAP_SYS_RAWIO: 17n, CAP_SYS_TIME: 25n }).find(
  ([, number]) => ((permitted >> number) & 1n) === 0n,
);

forEachRuntime(
  'checkpoint: capabilities that the host cannot give are an error, for which nobody waits',
  async (t, rt) => {
    const [name = '', number = 0n] = missing ?? [];
    const bundle = counter(rt, (config) => {
      config.process.capabilities = { bounding: [name], permitted: [name], effective: [name] };
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0 });
    inCore((entry) =>
      changeInner(entry, core.thread, (thread) =>
        changeInner(thread, core.credentials, (credentials) => {
          const sets = credentials.filter(([set]) => capabilities.includes(set)).map(([set]) => set);
          t.ok(sets.length > 0);
          for (const set of capabilities) withoutField(credentials, set);
          for (const set of capabilities) credentials.push([set, set === 19 ? 0n : 1n << number], [set, 0n]);
        }),
      ),
    )({ images: join(rt.dir, 'images'), victim: '' });
    const words = /core-1\.img has permitted capabilities that rt itself lacks.*\/process\/capabilities\/bounding/s;
    t.match(await restore(rt, bundle, id), { status: 1, stderr: words });
    t.strictSame(readdirSync(rt.root), [], 'nothing is left');
  },
  { ...OURS, lacking: OURS.lacking ?? (missing === undefined ? 'root has every capability here' : undefined) },
);
