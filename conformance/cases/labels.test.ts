import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Attempt, Text } from '../harness/guest.ts';
import { canLoadProfiles, hasApparmor, isOn, withProfile } from '../harness/apparmor.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

const hasSelinux = isOn('/sys/fs/selinux/policyvers', '');

const noApparmor = hasApparmor ? undefined : { skipped: 'AppArmor is not enabled here' };
const noParser = canLoadProfiles
  ? noApparmor
  : { skipped: 'AppArmor is not enabled here, or apparmor_parser is missing' };
const noSelinux = hasSelinux ? undefined : { skipped: 'SELinux is not enabled here' };

/** A case for hosts with the security module; elsewhere it is skipped with the reason. */
function onlyWith(
  missing: { skipped: string } | undefined,
  name: string,
  body: (t: Test, rt: Sandbox) => Promise<void>,
): void {
  if (missing === undefined) forEachRuntime(name, body);
  else void t.test(name, { skip: missing.skipped }, () => undefined);
}

for (const noNewPrivileges of [true, false]) {
  onlyWith(noParser, `process.apparmorProfile confines the program, noNewPrivileges ${noNewPrivileges}`, (t, rt) =>
    withProfile(rt, async (profile) => {
      const bundle = rt.bundle((config) => {
        config.process.apparmorProfile = profile;
        config.process.noNewPrivileges = noNewPrivileges;
        config.process.user = { uid: 1000, gid: 1000 };
      });
      writeFileSync(join(bundle.rootfs, 'secret'), 'x', { mode: 0o666 });
      const [label, secret, other] = await rt.observeBundle<[Text, Attempt, Attempt]>(bundle, [
        ['read', '/proc/self/attr/current'],
        ['open', '/secret', 'r'],
        ['open', '/bin/sh', 'r'],
      ]);
      t.equal(label.text, `${profile} (enforce)\n`);
      t.equal(secret.errno, 'EACCES');
      t.equal(other.errno, null);
    }),
  );
}

onlyWith(noApparmor, 'process.apparmorProfile that is not loaded is refused', async (t, rt) => {
  const outcome = await rt.run((config) => (config.process.apparmorProfile = 'no-such-profile'));
  t.equal(outcome.status, 1);
  if (!rt.runtime.ours) return;
  t.match(outcome.stderr, /apparmor failed to apply profile: .*"no-such-profile".*no such file or directory \(write\)/);
  t.match(outcome.stderr, /\/process\/apparmorProfile\n.*hint: load the profile/s);
});

onlyWith(noParser, 'exec --apparmor confines the program of exec and no other', (t, rt) =>
  withProfile(rt, async (profile) => {
    const container = await rt.started(['wait']);
    const read = ['/bin/probe', 'read', '/proc/1/attr/current', '--', 'read', '/proc/self/attr/current'];
    const { stdout, stderr } = await rt.command('exec', '--apparmor', profile, container.id, ...read);
    const labels = stdout.split('\n').filter((line) => line !== '');
    t.strictSame(
      labels.map((line) => (JSON.parse(line) as Text).text),
      ['unconfined\n', `${profile} (enforce)\n`],
      stderr,
    );
    t.equal((await container.remove('--force')).status, 0);
  }),
);

for (const shares of [false, true]) {
  onlyWith(
    noParser,
    `a profile with a user namespace${shares ? " and the host's processes" : ''}, also for exec`,
    (t, rt) =>
      withProfile(rt, async (profile) => {
        const bundle = rt.bundle((config) => {
          addUserNamespace(config);
          config.process.apparmorProfile = profile;
          config.process.args = ['/bin/probe', 'wait'];
          if (!shares) return;
          changeNamespace(config, 'pid');
          config.mounts = config.mounts.map((mount) =>
            mount.type === 'proc' ? { ...mount, type: 'bind', source: '/proc', options: ['rbind'] } : mount,
          );
        });
        for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
        chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
        const container = await rt.create(bundle);
        t.equal(container.outcome.status, 0, container.outcome.stderr);
        t.equal((await container.start()).status, 0);
        const { pid } = await container.state();
        t.equal(readFileSync(`/proc/${pid}/attr/current`, 'utf8'), `${profile} (enforce)\n`);
        const outcome = await rt.command('exec', container.id, '/bin/probe', 'read', '/proc/self/attr/current');
        t.equal(outcome.status, 0, outcome.stderr);
        t.match(outcome.stdout, `${profile} (enforce)`);
        t.equal((await container.remove('--force')).status, 0);
      }),
  );
}

/** A label of one of these types that the loaded policy knows; policies differ in their names for container types. */
function knownLabel(role: string, ...types: string[]): string {
  const labels = types.map((type) => `system_u:${role}:${type}:s0:c1,c2`);
  const known = labels.find((label) => {
    try {
      writeFileSync('/sys/fs/selinux/context', label);
      return true;
    } catch {
      return false;
    }
  });
  if (known === undefined) throw new Error(`the policy knows none of ${labels.join(', ')}`);
  return known;
}

onlyWith(noSelinux, 'process.selinuxLabel is the label of the program', async (t, rt) => {
  const label = knownLabel('system_r', 'container_t', 'initrc_t');
  const [current] = await rt.observe<[Text]>([['read', '/proc/self/attr/current']], (config) => {
    config.process.selinuxLabel = label;
  });
  t.equal(current.text.replace('\0', ''), label);
});

onlyWith(noSelinux, 'exec --process-label is the label of the program of exec', async (t, rt) => {
  const label = knownLabel('system_r', 'container_t', 'initrc_t');
  const container = await rt.started(['wait']);
  const read = ['/bin/probe', 'read', '/proc/self/attr/current'];
  const { stdout, stderr } = await rt.command('exec', '--process-label', label, container.id, ...read);
  t.equal((JSON.parse(stdout) as Text).text.replace('\0', ''), label, stderr);
  t.equal((await container.remove('--force')).status, 0);
});

onlyWith(noSelinux, 'process.selinuxLabel that is unknown to the policy is refused', async (t, rt) => {
  const outcome = await rt.run((config) => (config.process.selinuxLabel = 'nobody:nothing:nowhere_t:s0'));
  t.equal(outcome.status, 1);
  if (rt.runtime.ours) t.match(outcome.stderr, /cannot set selinux label: .*invalid argument.*selinuxLabel/s);
});

/** Value of the annotation, and whether the root of a new filesystem then has the label. */
const CONTEXTS: readonly (readonly [kind: string | undefined, isLabelOfRoot: boolean])[] = [
  [undefined, true],
  ['context', true],
  ['rootcontext', true],
  ['fscontext', false],
];

for (const [kind, isLabelOfRoot] of CONTEXTS) {
  onlyWith(noSelinux, `linux.mountLabel is the label of new filesystems: ${kind ?? 'by default'}`, async (t, rt) => {
    const label = knownLabel('object_r', 'container_file_t', 'svirt_sandbox_file_t', 'removable_t');
    const container = await rt.started(['wait'], (config) => {
      config.linux.mountLabel = label;
      if (kind !== undefined) config.annotations = { 'run.oci.mount_context_type': kind };
    });
    const { pid } = await container.state();
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
    const labelled = (target: string): boolean =>
      mounts.some((line) => line.includes(` ${target} `) && line.includes(`,${kind ?? 'context'}="${label}"`));
    for (const target of ['/dev', '/dev/pts']) t.ok(labelled(target), `${target} in ${mounts.join('\n')}`);
    for (const target of ['/proc', '/sys']) t.notOk(labelled(target), 'these label their files themselves');
    const ofRoot = execFileSync('stat', ['--format=%C', `/proc/${pid}/root/dev`], { encoding: 'utf8' }).trim();
    t.equal(ofRoot === label, isLabelOfRoot, ofRoot);
    t.equal((await container.remove('--force')).status, 0);
  });
}

onlyWith(noSelinux, 'linux.mountLabel of a kind that the filesystem does not support is refused', async (t, rt) => {
  const outcome = await rt.run((config) => {
    config.linux.mountLabel = knownLabel('object_r', 'container_file_t', 'svirt_sandbox_file_t', 'removable_t');
    config.annotations = { 'run.oci.mount_context_type': 'defcontext' };
  });
  t.equal(outcome.status, 1, 'only filesystems that store labels have a default one');
  if (rt.runtime.ours) t.match(outcome.stderr, /cannot mount tmpfs on "\/dev": invalid argument.*\/mounts\/1/s);
});

onlyWith(noSelinux, 'linux.mountLabel that is unknown to the policy is refused', async (t, rt) => {
  const outcome = await rt.run((config) => (config.linux.mountLabel = 'nobody:nothing:nowhere_t:s0'));
  t.equal(outcome.status, 1);
  if (rt.runtime.ours) t.match(outcome.stderr, /cannot mount tmpfs on "\/dev": invalid argument.*\/mounts\/1/s);
});

forEachRuntime(
  'process.apparmorProfile and selinuxLabel on a host without the module are refused',
  async (t, rt) => {
    if (!hasApparmor) {
      const outcome = await rt.run((config) => (config.process.apparmorProfile = 'docker-default'));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, /apparmor failed to apply profile "docker-default": AppArmor is not enabled/);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/process\/apparmorProfile\n.*hint: boot with/s);
    }
    if (!hasSelinux) {
      const outcome = await rt.run((config) => (config.process.selinuxLabel = 'system_u:system_r:container_t:s0'));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, /selinux label is specified in config, but selinux is disabled or not supported/);
    }
    const none = await rt.run((config) => {
      config.process.apparmorProfile = hasApparmor ? '' : 'unconfined';
      config.process.selinuxLabel = '';
    });
    t.equal(none.status, 0, none.stderr);
  },
  { oursOnly: 'messages of this project' },
);
