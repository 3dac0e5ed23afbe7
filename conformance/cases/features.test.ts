import { chmodSync } from 'node:fs';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

interface Features {
  ociVersionMin: string;
  ociVersionMax: string;
  hooks: string[];
  mountOptions: string[];
  annotations: Record<string, string>;
  potentiallyUnsafeConfigAnnotations: string[];
  linux: {
    namespaces: string[];
    capabilities: string[];
    seccomp: { enabled: boolean; actions: string[]; knownFlags: string[]; supportedFlags: string[] };
    [section: string]: unknown;
  };
}

forEachRuntime(
  'features: works for any user, without an environment, on a read-only host',
  async (t, rt) => {
    chmodSync(rt.dir, 0o755);
    const plain = await run([...rt.runtime.argv, 'features'], { env: {} });
    t.equal(plain.status, 0, plain.stderr);
    t.equal(plain.stderr, '', 'CRI-O reads both outputs as one document');
    const features = JSON.parse(plain.stdout) as Features;
    t.match(features.ociVersionMin, /^1\.0\./);
    t.match(features.ociVersionMax, /^1\.\d/);
    t.ok(features.mountOptions.includes('rro'), 'containerd and dockerd ask for it');
    for (const type of ['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup'])
      t.ok(features.linux.namespaces.includes(type));
    t.ok(features.linux.seccomp.enabled);
    const hooks = ['createContainer', 'createRuntime', 'poststart', 'poststop', 'prestart', 'startContainer'];
    t.strictSame([...features.hooks].sort(), hooks);
    if (!rt.runtime.ours) return;
    const { cgroup, apparmor, selinux, intelRdt, mountExtensions, netDevices } = features.linux;
    t.strictSame(
      [cgroup, apparmor, selinux, intelRdt, mountExtensions, netDevices],
      [
        { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
        { enabled: true },
        { enabled: true },
        { enabled: true, schemata: true, monitoring: true },
        { idmap: { enabled: true } },
        { enabled: true },
      ],
    );
    t.equal(features.linux.capabilities.length, 41);
    t.ok(features.potentiallyUnsafeConfigAnnotations.includes('org.systemd.property.'));
    t.match(features.annotations, { 'org.opencontainers.runc.checkpoint.enabled': 'true', 'rt.version': /^\d/ });
    t.match(plain.stdout, /^\{\n {4}"ociVersionMin": "1\.0\.0",\n[^]*\}\n$/, 'four spaces, one line feed at the end');
    const confined = ['unshare', '--mount', 'sh', '-c', 'mount -o remount,bind,ro / && exec "$@"', 'sh'];
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];
    // A build directory below a home directory may be inaccessible to others; the program is passed as a descriptor.
    const [program = '', ...words] = rt.runtime.argv;
    if (words.length > 0) return;
    const outcome = await run(
      [
        ...confined,
        'sh',
        '-c',
        'exec 9<"$1"; shift; exec "$@"',
        'sh',
        program,
        ...nobody,
        '/proc/self/fd/9',
        'features',
      ],
      { env: { PATH: '/usr/bin:/bin' } },
    );
    t.equal(outcome.stderr, '');
    t.strictSame(JSON.parse(outcome.stdout), features, 'the same for everybody');
  },
  { deviates: { crun: '1.8 prints no features' } },
);

forEachRuntime(
  'features: a container accepts every supported seccomp flag',
  async (t, rt) => {
    const { stdout } = await run([...rt.runtime.argv, 'features'], { env: {} });
    const { knownFlags, supportedFlags } = (JSON.parse(stdout) as Features).linux.seccomp;
    for (const flag of supportedFlags) {
      t.ok(knownFlags.includes(flag));
      if (flag === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') continue; // seccomp-notify.test.ts
      const outcome = await rt.run((config) => {
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          flags: [flag],
          syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
        };
        config.process.args = ['/bin/probe', 'mkdir', '/tmp/x'];
      });
      t.match(outcome.stdout, 'EPERM', `${flag}: ${outcome.stderr}`);
    }
  },
  { deviates: { crun: '1.8 prints no features', runc: '1.1 prints no flags' } },
);
