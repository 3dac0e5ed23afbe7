import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seccompProfile } from './filter.ts';

export type Config = Record<string, unknown>;

const CONFORMANCE = join(import.meta.dirname, '..');
const SAFE = ['nosuid', 'noexec', 'nodev'];
const SPEC_CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const DOCKER_CAPABILITIES =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
    .split(' ')
    .map((name) => `CAP_${name}`);

const MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...SAFE, 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: SAFE },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...SAFE, 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...SAFE, 'relatime', 'ro'] },
];

const MASKED = ['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi'];
const READONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];

/** The config of `runc spec`, with /bin/true as the program and no terminal. */
export function specConfig(cgroupsPath: string): Config {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/bin/true'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: SPEC_CAPABILITIES, effective: SPEC_CAPABILITIES, permitted: SPEC_CAPABILITIES },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'bench',
    mounts: MOUNTS,
    linux: {
      cgroupsPath,
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: [...MASKED.map((name) => `/proc/${name}`), '/sys/firmware'],
      readonlyPaths: READONLY.map((name) => `/proc/${name}`),
    },
  };
}

/**
 * Docker's config for `docker run -m 512m --cpus 0.5 --pids-limit 100`: conformance/configs/docker.json if it exists,
 * else a similar one.
 *
 * @param files directory with hosts, hostname and resolv.conf, which are bound over those of the image
 */
export function dockerConfig(cgroupsPath: string, files: string): Config {
  const recorded = join(CONFORMANCE, 'configs', 'docker.json');
  const config = existsSync(recorded) ? (JSON.parse(readFileSync(recorded, 'utf8')) as Config) : ownDockerConfig();
  const process = config['process'] as Config;
  process['args'] = ['/bin/true'];
  process['terminal'] = false;
  config['root'] = { path: 'rootfs' };
  delete config['hooks'];
  // Older peers refuse newer versions; raising limits needs a capability that the user may lack.
  config['ociVersion'] = '1.0.2';
  delete process['rlimits'];
  const linux = config['linux'] as Config;
  linux['cgroupsPath'] = cgroupsPath;
  const mounts = (config['mounts'] as { destination: string }[]).filter(
    ({ destination }) => !destination.startsWith('/etc/'),
  );
  const bound = ['hosts', 'hostname', 'resolv.conf'].map((name) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: join(files, name),
    options: ['rbind', 'rprivate'],
  }));
  config['mounts'] = [...mounts, ...bound];
  return config;
}

function ownDockerConfig(): Config {
  const config = specConfig('');
  config['process'] = {
    ...(config['process'] as Config),
    capabilities: { bounding: DOCKER_CAPABILITIES, effective: DOCKER_CAPABILITIES, permitted: DOCKER_CAPABILITIES },
    oomScoreAdj: 0,
    rlimits: undefined,
  };
  const allow = (type: string, major: number | undefined, minor: number | undefined, access: string): Config => ({
    allow: true,
    type,
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    access,
  });
  config['linux'] = {
    ...(config['linux'] as Config),
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        allow('c', 1, 5, 'rwm'),
        allow('c', 1, 3, 'rwm'),
        allow('c', 1, 9, 'rwm'),
        allow('c', 1, 8, 'rwm'),
        allow('c', 5, 0, 'rwm'),
        allow('c', 5, 1, 'rwm'),
        { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' },
      ],
      memory: { limit: 536_870_912 },
      cpu: { quota: 50_000, period: 100_000 },
      pids: { limit: 100 },
    },
    seccomp: seccompProfile(),
  };
  return config;
}
