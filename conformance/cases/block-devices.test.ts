import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, grantCapabilities } from '../harness/config.ts';
import type { TestConfig } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

type Rules = NonNullable<TestConfig['linux']['resources']>['devices'];

const lacking = missing();

function missing(): string | undefined {
  for (const program of ['mkfs.ext4', 'losetup']) {
    if (spawnSync(program, ['-V']).error !== undefined) return `no ${program} on this host`;
  }
  return spawnSync('losetup', ['--find']).status === 0 ? undefined : 'no loop devices on this host';
}

/** A block device with an ext4 filesystem on it, for the duration of `body`; `image` is the file that it shows. */
async function withDevice(
  rt: Sandbox,
  words: readonly string[],
  body: (device: string, image: string) => Promise<void>,
): Promise<void> {
  const [image, content] = [join(rt.dir, 'image'), join(rt.dir, 'file')];
  writeFileSync(content, 'of the device');
  execFileSync('truncate', ['-s', '4m', image]);
  execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', image]);
  execFileSync('debugfs', ['-w', '-R', `write ${content} file`, image], { stdio: 'ignore' });
  const device = execFileSync('losetup', ['--find', '--show', ...words, image], { encoding: 'utf8' }).trim();
  try {
    await body(device, image);
  } finally {
    execFileSync('losetup', ['--detach', device]);
  }
}

/** Prints the file of the mount on /data, and whether the program itself can open the device. */
function observe(config: TestConfig, device: string, options: string[]): void {
  const minor = statSync(device).rdev & 0xff;
  grantCapabilities(config, 'CAP_MKNOD', 'CAP_DAC_OVERRIDE');
  config.mounts.push({ destination: '/data', type: 'ext4', source: device, options });
  const node = `/bin/busybox mknod /node b 7 ${minor} && (exec 3</node) 2>/dev/null && echo opened`;
  config.process.args = ['/bin/sh', '-c', `cat /data/file; echo; ${node}; true`];
}

const DENIED = { allow: false, access: 'rwm' };
const RULES: readonly (readonly [string, Rules])[] = [
  ['without device rules', undefined],
  ['when all devices are denied', [DENIED]],
  ['when other devices are allowed', [DENIED, { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }]],
];
const CRUN = { crun: '1.8 mounts under its device rules' };

for (const [when, devices] of RULES) {
  for (const word of ['ro', 'rw']) {
    forEachRuntime(
      `mounts: a filesystem on a block device, ${word}, ${when}; the program cannot open the device`,
      (t, rt) =>
        withDevice(rt, [], async (device) => {
          const outcome = await rt.run((config) => {
            observe(config, device, [word]);
            if (devices !== undefined) config.linux.resources = { devices };
          });
          t.equal(outcome.status, 0, outcome.stderr);
          t.match(outcome.stdout, /^of the device\n/);
          t.notMatch(outcome.stdout, /opened/);
        }),
      { lacking, deviates: CRUN },
    );
  }
}

forEachRuntime(
  'mounts: a read-only filesystem on a block device writes nothing to the device, which may be read-only itself',
  (t, rt) =>
    withDevice(rt, ['--read-only'], async (device, image) => {
      const before = readFileSync(image);
      const outcome = await rt.run((config) => observe(config, device, ['ro', 'noatime']));
      t.equal(outcome.status, 0, outcome.stderr);
      t.match(outcome.stdout, /^of the device\n/);
      t.ok(before.equals(readFileSync(image)));
    }),
  { lacking, deviates: CRUN },
);

forEachRuntime(
  'mounts: a filesystem that needs no device belongs to the namespaces of the container, whatever its source',
  (t, rt) =>
    withDevice(rt, [], async (device) => {
      const outcome = await rt.run((config) => {
        for (const mount of config.mounts) if (mount.type === 'proc') mount.source = device;
        config.process.args = ['/bin/sh', '-c', 'readlink /proc/self; echo $$; exec cat /proc/1/comm'];
      });
      t.equal(outcome.status, 0, outcome.stderr);
      t.match(outcome.stdout, /^\d+\n1\ncat\n$/);
    }),
  { lacking },
);

forEachRuntime(
  'mounts: a block device in a user namespace is refused, since the kernel does not allow it',
  (t, rt) =>
    withDevice(rt, [], async (device) => {
      const bundle = rt.bundle((config) => {
        observe(config, device, ['ro']);
        addUserNamespace(config);
      });
      for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
      chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      t.match(
        outcome.stderr,
        `cannot mount ext4 on "/data": only root of the host may mount the block device "${device}"`,
      );
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4\n {2}hint: mount it on the host, and bind/);
    }),
  { lacking, oursOnly: 'the peers have other messages' },
);

forEachRuntime(
  'mounts: a block device without the filesystem is an error that names both',
  (t, rt) =>
    withDevice(rt, [], async (device) => {
      execFileSync('dd', ['if=/dev/zero', `of=${device}`, 'bs=64k', 'count=1', 'conv=fsync', 'status=none']);
      const outcome = await rt.run((config) => observe(config, device, ['ro']));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, new RegExp(`cannot mount ext4 from "${device}": .*\\(fsconfig\\)`));
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4\n/);
    }),
  { lacking, oursOnly: 'the peers have other messages' },
);
