import type { TestConfig } from '../../harness/config.ts';
import type { Call, Trigger } from '../trigger.ts';

const at = '/linux/resources';

function set(controller: string, value: unknown) {
  return (config: TestConfig): void => {
    config.linux.resources[controller] = value;
  };
}

function update(...words: string[]): Call {
  return { state: 'running', words: ['update', ...words, 'ID'] };
}

const mib = 1 << 20;

export const resources: readonly Trigger[] = [
  { what: 'cpus "999"', make: set('cpu', { cpus: '999' }), says: [/999/, /0-\d|CPUs? \d/], place: `${at}/cpu/cpus` },
  { what: 'cpus "0-"', make: set('cpu', { cpus: '0-' }), says: [/"0-"/, /list of CPUs|0-3/], place: `${at}/cpu/cpus` },
  { what: 'mems "99"', make: set('cpu', { mems: '99' }), says: [/99/, /nodes? 0/], place: `${at}/cpu/mems` },
  {
    what: 'memory limit of 4096 bytes',
    make: set('memory', { limit: 4096 }),
    says: [/memory/i, /4096/, /usage|needs|peak/],
    place: `${at}/memory/limit`,
  },
  {
    what: 'memory limit of 100 KiB',
    make: set('memory', { limit: 102_400 }),
    says: [/memory/i, /102400/, /usage|needs|peak/],
    place: `${at}/memory/limit`,
    mayWork: true,
  },
  {
    what: 'swap lower than the limit',
    make: set('memory', { limit: 64 * mib, swap: 32 * mib }),
    says: [/memory\+swap/],
    place: `${at}/memory/swap`,
    hint: /swap/,
  },
  {
    what: 'swappiness 200',
    make: set('memory', { swappiness: 200 }),
    says: [/swappiness/, /100/],
    place: `${at}/memory/swappiness`,
  },
  {
    what: 'memory limit "64M"',
    make: set('memory', { limit: '64M' }),
    says: [/limit/, /integer|number/],
    place: `${at}/memory/limit`,
    hint: /67108864/,
  },
  {
    what: 'memory limit "64Mi"',
    make: set('memory', { limit: '64Mi' }),
    says: [/limit/, /integer|number/],
    place: `${at}/memory/limit`,
    hint: /67108864/,
  },
  {
    what: 'quota of 500 us',
    make: set('cpu', { quota: 500, period: 100_000 }),
    says: [/500/, /1000/],
    place: `${at}/cpu/quota`,
  },
  {
    what: 'period of 2 s',
    make: set('cpu', { quota: 50_000, period: 2_000_000 }),
    says: [/2000000/, /1000000/],
    place: `${at}/cpu/period`,
  },
  { what: 'shares 1', make: set('cpu', { shares: 1 }), says: [/shares/, /2/], place: `${at}/cpu/shares` },
  {
    what: 'huge pages of 3 MB',
    make: set('hugepageLimits', [{ pageSize: '3MB', limit: mib }]),
    says: [/3MB/],
    place: `${at}/hugepageLimits/0`,
    hint: /huge pages/,
  },
  {
    what: 'page size "2M"',
    make: set('hugepageLimits', [{ pageSize: '2M', limit: mib }]),
    says: [/2M/, /2MB/],
    place: `${at}/hugepageLimits/0/pageSize`,
  },
  {
    what: 'blkio weight 5000',
    make: set('blockIO', { weight: 5000 }),
    says: [/5000/, /1000/],
    place: `${at}/blockIO/weight`,
  },
  {
    what: 'rdma without its controller',
    make: set('rdma', { mlx5_1: { hcaHandles: 3 } }),
    says: [/rdma/, /controller|no such file/],
    place: `${at}/rdma/mlx5_1`,
    mayWork: true,
  },
  {
    what: 'unified on cgroup v1',
    make: set('unified', { 'memory.high': '1000000' }),
    says: [/unified/, /v1/],
    place: `${at}/unified`,
    hint: /fields/,
    mayWork: true,
  },
  {
    what: 'network priorities',
    make: set('network', { priorities: [{ name: 'eth0', priority: 500 }] }),
    says: [/net_prio/],
    place: `${at}/network/priorities/0`,
  },
  {
    what: 'realtime runtime',
    make: set('cpu', { realtimePeriod: 1_000_000, realtimeRuntime: 950_000 }),
    says: [/rt_runtime|realtime/i, /950000/],
    place: `${at}/cpu/realtimeRuntime`,
    hint: /parent|CONFIG_RT/,
    mayWork: true,
  },
  {
    what: 'burst above the quota',
    make: set('cpu', { quota: 100_000, period: 100_000, burst: 200_000 }),
    says: [/burst/, /200000/, /quota/],
    place: `${at}/cpu/burst`,
    mayWork: true,
  },
  {
    what: 'device rule of type "x"',
    make: set('devices', [{ allow: true, type: 'x', access: 'r' }]),
    says: [/device/, /"x"|type/],
    place: `${at}/devices/0/type`,
    hint: /character/,
  },
  {
    what: 'device access "rwx"',
    make: set('devices', [{ allow: true, type: 'c', access: 'rwx' }]),
    says: [/rwx/],
    place: `${at}/devices/0/access`,
  },
  {
    what: 'negative pids limit',
    make: set('pids', { limit: -5 }),
    says: [/pids/, /-5/],
    place: `${at}/pids/limit`,
    mayWork: true,
  },
  {
    what: 'cgroupsPath of systemd without --systemd-cgroup',
    make: (config) => (config.linux.cgroupsPath = 'system.slice:rt:x'),
    says: [/system\.slice:rt:x/, /systemd/],
    place: '/linux/cgroupsPath',
    hint: /--systemd-cgroup/,
    mayWork: true,
  },
  {
    what: 'cgroupsPath of files with --systemd-cgroup',
    call: { globals: ['--systemd-cgroup'], words: ['run', '--bundle', 'DIR', 'ID'] },
    says: [/slice:prefix:name|systemd/],
    place: '/linux/cgroupsPath',
  },
  {
    what: 'cgroup of another container',
    call: { state: 'running', words: ['run', '--bundle', 'DIR', 'OTHER'] },
    says: [/not empty/, /1 process|process \d+|pid \d+/],
    place: '/linux/cgroupsPath',
  },
  {
    what: 'cgroupsPath with ..',
    make: (config) => (config.linux.cgroupsPath = '/../../rt-test-x'),
    says: [/\.\./],
    place: '/linux/cgroupsPath',
  },
  {
    what: 'update of a stopped container',
    call: { state: 'stopped', words: ['update', '--memory', '64M', 'ID'] },
    says: [/not running|stopped/],
  },
  { what: 'update --memory 64X', call: update('--memory', '64X'), says: [/64X/, /memory/], hint: /bytes/ },
  {
    what: 'update -r with a fault',
    call: { ...update('-r', '-'), input: '{"memory":{"limit":"64M"}}' },
    says: [/limit/, /integer|number/],
    hint: /67108864/,
  },
  {
    what: 'update --memory above memory and swap',
    make: set('memory', { limit: 32 * mib, swap: 48 * mib }),
    call: update('--memory', '64M'),
    says: [/memory/, /swap/],
    hint: /--memory-swap/,
  },
  {
    what: 'update --memory below the usage',
    make: set('memory', { limit: 64 * mib }),
    call: update('--memory', '4096'),
    says: [/4096/, /usage/],
    mayWork: true,
  },
  {
    what: 'update --cpuset-cpus 999',
    call: update('--cpuset-cpus', '999'),
    says: [/999/, /0-\d|CPUs? \d/],
    never: /config\.json/,
  },
  { what: 'update --cpu-quota 500', call: update('--cpu-quota', '500'), says: [/500/, /1000/], never: /config\.json/ },
  {
    what: 'update --pids-limit text',
    call: update('--pids-limit', 'many'),
    says: [/many/, /pids-limit/],
    hint: /integer|number/,
  },
];
