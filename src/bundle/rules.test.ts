import t from 'tap';
import { checkRequirements, ineffectiveSettings } from './rules.ts';
import { validateConfig } from './validate.ts';
import type { Config } from '../../schema/generated/config.ts';

type Members = Record<string, unknown>;

const process = { cwd: '/', args: ['sh'] };
const allNamespaces = ['pid', 'network', 'mount', 'ipc', 'uts'].map((type) => ({ type }));

/** `POINTER: MESSAGE` of each fault of a config that has these members. */
function faults(members: Members): string[] {
  return validateConfig({ ociVersion: '1.3.0', root: { path: 'rootfs' }, process, ...members }).map(
    ({ code, pointer, message }) => {
      if (/^config\.(type|missing)$/.test(code)) throw new Error(`the schema, not a rule, found ${message}`);
      return `${pointer}: ${message}`;
    },
  );
}

/** `POINTER: MESSAGE` of each setting without effect, and its hint. */
function ineffective(members: Members): string[] {
  return ineffectiveSettings({ ociVersion: '1.3.0', ...members }).map(
    ({ pointer, message, hint }) => `${pointer}: ${message}${hint === undefined ? '' : `; ${hint}`}`,
  );
}

const ofProcess = (members: Members): string[] => faults({ process: { ...process, ...members } });
const ofLinux = (members: Members): string[] => faults({ linux: { namespaces: allNamespaces, ...members } });
const ofMount = (mount: Members): string[] => faults({ mounts: [mount] });
const ofResources = (resources: Members): string[] => ofLinux({ resources });

t.test('version', async (t) => {
  for (const ociVersion of ['1.0.0', '1.3.0-rc.1', '0.5.0-dev', '1.0.2+build.5']) {
    t.strictSame(faults({ ociVersion }), [], ociVersion);
  }
  for (const ociVersion of ['', '1', '1.0', 'v1.0.0', '1.0.0 ', 'x']) {
    t.match(
      faults({ ociVersion }),
      [/^\/ociVersion: ociVersion must be a version such as 1\.3\.0, found "/],
      ociVersion,
    );
  }
});

t.test('properties that a container needs, beyond a valid config', async (t) => {
  const of = (config: Members): string[] =>
    checkRequirements(config as unknown as Config).map(({ message }) => message);
  t.strictSame(of({ ociVersion: '1.0.0', root: { path: 'x' }, process }), []);
  t.strictSame(of({ ociVersion: '1.0.0' }), ['root must be specified']);
  t.match(of({ ociVersion: '1.0.0', root: { path: 'x' }, process: { cwd: '/' } }), [/^args must not be empty/]);
  t.match(of({ ociVersion: '0.5.0', root: { path: 'x' }, process }), [/version 1 of the specification/]);
  t.strictSame(of({ ociVersion: 1, root: null, process: null }), [], 'faults of the schema are not told twice');
});

t.test('root, cwd and args', async (t) => {
  t.match(faults({ root: { path: '' } }), [/^\/root\/path: invalid rootfs: /]);
  t.strictSame(ofProcess({ cwd: '' }), ['/process/cwd: Cwd property must not be empty']);
  t.strictSame(ofProcess({ cwd: 'bin' }), ['/process/cwd: Cwd must be an absolute path, found "bin"']);
  t.match(ofProcess({ args: [] }), [/^\/process\/args: args must not be empty/]);
});

t.test('environment', async (t) => {
  t.strictSame(ofProcess({ env: ['A=', 'B=c=d', 'lower=x', 'A B=c'] }), []);
  t.strictSame(ofProcess({ env: ['A=b', 'NAME', '=x', ''] }), [
    "/process/env/1: invalid environment variable: missing '=' in process.env[1]",
    "/process/env/2: invalid environment variable: process.env[2] has no name before '='",
    "/process/env/3: invalid environment variable: missing '=' in process.env[3]",
  ]);
});

t.test('ids and umask', async (t) => {
  t.strictSame(ofProcess({ user: { uid: 4294967294, gid: 0, umask: 0o777 } }), []);
  t.match(ofProcess({ user: { uid: 4294967295, gid: 4294967295, additionalGids: [0, 4294967295], umask: 0o1000 } }), [
    /^\/process\/user\/uid: .*at most 4294967294, found 4294967295/,
    /^\/process\/user\/gid: /,
    /^\/process\/user\/additionalGids\/1: /,
    /^\/process\/user\/umask: .*octal 777/,
  ]);
  t.strictSame(ofProcess({ user: { additionalGids: Array<number>(65536).fill(1) } }), []);
  t.match(ofProcess({ user: { additionalGids: Array<number>(65537).fill(1) } }), [
    /^\/process\/user\/additionalGids: .* has 65537 groups: Linux allows at most 65536$/,
  ]);
});

t.test('capabilities', async (t) => {
  const kill = ['CAP_KILL'];
  t.strictSame(
    ofProcess({ capabilities: { bounding: kill, effective: kill, permitted: kill, inheritable: kill } }),
    [],
  );
});

t.test('capabilities that cannot be granted', async (t) => {
  const kill = ['CAP_KILL'];
  const of = (capabilities: Members): string[] => ineffective({ process: { ...process, capabilities } });
  t.strictSame(of({ bounding: kill, effective: kill, permitted: kill, inheritable: kill, ambient: kill }), []);
  const unknown = ['CAP_NOSUCH', 'kill', 'CAP_SYS_ADMN'];
  t.strictSame(of({ bounding: unknown, effective: unknown, permitted: unknown }), [
    '/process/capabilities/bounding/0: unknown capability "CAP_NOSUCH" in process.capabilities.bounding[0] is not granted',
    '/process/capabilities/bounding/1: unknown capability "kill" in process.capabilities.bounding[1] is not granted; write CAP_KILL',
    '/process/capabilities/bounding/2: unknown capability "CAP_SYS_ADMN" in process.capabilities.bounding[2] is not granted; did you mean CAP_SYS_ADMIN?',
  ]);
  t.match(of({ bounding: ['CAP_'] }), [/unknown/]);
  t.match(of({ bounding: ['ALL', 'CAP_ALL'] }), [/; there is no word for all: list each/, /: list each capability$/]);
  t.match(of({ bounding: ['CAP_KILL LEASE'] }), [/unknown/]);
  t.match(of({ permitted: kill, effective: ['CAP_KILL', 'CAP_CHOWN', 'CAP_LEASE'] }), [
    /^\/process\/capabilities\/effective\/1: .*effective: CAP_CHOWN, CAP_LEASE cannot be granted without permitted/,
  ]);
  t.match(of({ inheritable: kill }), [/^\/process\/capabilities\/inheritable\/0: .* without bounding/]);
  t.match(of({ bounding: kill, inheritable: kill, ambient: kill }), [
    /^\/process\/capabilities\/ambient\/0: .* without permitted and inheritable/,
  ]);
});

t.test('other settings without effect', async (t) => {
  const scheduler = { policy: 'SCHED_DEADLINE', nice: 1, runtime: 1024, deadline: 1024 };
  t.strictSame(faults({ process: { ...process, scheduler } }), []);
  t.match(ineffective({ process: { ...process, scheduler } }), [/^\/process\/scheduler\/nice: /]);
  const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'];
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', flags };
  t.match(ineffective({ linux: { seccomp } }), [/^\/linux\/seccomp\/flags\/1: .*without a rule with the action/]);
  const syscalls = [{ names: ['read'], action: 'SCMP_ACT_NOTIFY' }];
  t.strictSame(ineffective({ linux: { seccomp: { ...seccomp, syscalls } } }), []);
  const annotations = { 'run.oci.handler': 'wasm', 'krun.cpus': '2', krunx: '', 'run.oci.other': '' };
  t.strictSame(ineffective({ annotations }), [
    '/annotations/run.oci.handler: the annotation run.oci.handler has no effect',
    '/annotations/krun.cpus: the annotation krun.cpus has no effect',
  ]);
});

t.test('rlimits and priorities', async (t) => {
  t.strictSame(
    ofProcess({ rlimits: [{ type: 'RLIMIT_CORE', soft: 9007199254740993n, hard: 18446744073709551615n }] }),
    [],
  );
  t.match(
    ofProcess({
      rlimits: [
        { type: 'RLIMIT_NOSUCH', soft: 1, hard: 1 },
        { type: 'RLIMIT_CORE', soft: 2, hard: 1 },
        { type: 'RLIMIT_CORE', soft: 1, hard: 1 },
        { type: 'CORE', soft: 1, hard: 1 },
      ],
    }),
    [
      /^\/process\/rlimits\/0\/type: wrong rlimit value: RLIMIT_NOSUCH/,
      /^\/process\/rlimits\/1\/soft: .*found soft 2 and hard 1/,
      /^\/process\/rlimits\/2\/type: .*more than once/,
      /^\/process\/rlimits\/3\/type: wrong rlimit value: CORE/,
    ],
  );
  t.match(ofProcess({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }), [
    /priority must be an integer from 0 to 7/,
  ]);
});

t.test('hooks and annotations', async (t) => {
  t.strictSame(faults({ hooks: { prestart: [{ path: '/x' }], poststop: [] } }), []);
  t.match(faults({ hooks: { poststop: [{ path: '/x' }, { path: 'x' }] } }), [
    /^\/hooks\/poststop\/1\/path: .*absolute/,
  ]);
  t.match(faults({ annotations: { '': 'x' } }), [/^\/annotations: .*empty name/]);
});

t.test('mount destinations', async (t) => {
  const tmpfs = { type: 'tmpfs', source: 'tmpfs' };
  for (const destination of ['/', '//', '/.', '/a/..', '.', '/../..']) {
    t.match(
      ofMount({ ...tmpfs, destination }),
      [/^\/mounts\/0\/destination: mountpoint ".*" is on the top of rootfs/],
      destination,
    );
  }
  for (const destination of ['/proc/x', '/proc//sys', '/a/../proc/x', 'proc/x', '/proc/cpuinfo/x']) {
    t.match(ofMount({ ...tmpfs, destination }), [/cannot be mounted because it is inside \/proc/], destination);
  }
  t.match(ofMount({ ...tmpfs, destination: '' }), [/must not be empty/]);
  t.match(ofMount({ ...tmpfs, destination: '/proc/' }), [/not of type proc/]);
  for (const destination of ['/a', 'a', '/procs', '/a/..b', '/.a', '/proc/cpuinfo', '/proc/sys/crypto/fips_enabled']) {
    t.strictSame(ofMount({ ...tmpfs, destination }), [], destination);
  }
  t.strictSame(ofMount({ destination: '/proc', type: 'proc' }), []);
  t.strictSame(ofMount({ destination: '/proc', type: 'bind', source: '/proc' }), []);
});

t.test('mount types and sources', async (t) => {
  t.match(ofMount({ destination: '/a' }), [/^\/mounts\/0\/type: .*filesystem/]);
  t.match(ofMount({ destination: '/a', options: ['rbind'] }), [/^\/mounts\/0\/source: /]);
  t.strictSame(ofMount({ destination: '/a', options: ['rbind'], source: 'x' }), []);
  t.strictSame(ofMount({ destination: '/a', options: ['remount', 'ro'] }), []);
});

t.test('namespaces', async (t) => {
  t.match(faults({ linux: { namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'pid', path: 'x' }] } }), [
    /^\/linux\/namespaces\/2: malformed spec file: duplicated ns: linux\.namespaces\[0\] is of type pid/,
    /^\/linux\/namespaces\/2\/path: .*absolute path, found "x"/,
  ]);
  t.strictSame(faults({ hostname: 'x', domainname: 'y' }), [
    '/hostname: unable to set hostname without a private UTS namespace',
    '/domainname: unable to set domainname without a private UTS namespace',
  ]);
  t.strictSame(faults({ hostname: 'x', linux: { namespaces: [{ type: 'uts', path: '/proc/1/ns/uts' }] } }), []);
  t.match(faults({ hostname: 'h'.repeat(65), linux: { namespaces: allNamespaces } }), [/^\/hostname: .*64/]);
  t.match(faults({ linux: { maskedPaths: ['/x'], readonlyPaths: ['/y'] } }), [
    /^\/linux\/maskedPaths: unable to restrict sys entries without a private MNT namespace/,
    /^\/linux\/readonlyPaths: unable to restrict sys entries without a private MNT namespace/,
  ]);
  t.strictSame(faults({ linux: { maskedPaths: [], readonlyPaths: [] } }), []);
  const devices = [{ path: '/dev/x', type: 'p' }];
  t.match(faults({ linux: { rootfsPropagation: 'slave', devices } }), [
    /^\/linux\/rootfsPropagation: unable to set rootfsPropagation without a private MNT namespace/,
    /^\/linux\/devices: unable to make devices without a private MNT namespace/,
  ]);
  t.strictSame(faults({ mounts: [{ destination: '/dev', type: 'tmpfs' }], linux: { devices } }), []);
  t.match(ofLinux({ maskedPaths: ['/a', 'b'] }), [/^\/linux\/maskedPaths\/1: .*absolute path, found "b"/]);
});

t.test('user namespace and mappings', async (t) => {
  const map = { containerID: 0, hostID: 1000, size: 10 };
  const user = { type: 'user' };
  t.strictSame(faults({ linux: { namespaces: [user], uidMappings: [map], gidMappings: [map] } }), []);
  t.strictSame(faults({ linux: { namespaces: [{ ...user, path: '/x' }] } }), []);
  t.match(faults({ linux: { namespaces: [user], uidMappings: [map] } }), [
    /no namespace path to join nor mappings to apply/,
  ]);
  t.match(faults({ linux: { gidMappings: [map] } }), [
    /^\/linux\/gidMappings: .*user namespace isn't enabled in the config/,
  ]);
  const of = (...list: unknown[]): string[] =>
    faults({ linux: { namespaces: [user], uidMappings: list, gidMappings: [map] } });
  t.match(of({ ...map, size: 0 }), [/size must be at least 1/]);
  t.match(of({ ...map, size: 4294967295 }), [/beyond the highest id/]);
  t.match(of(map, { containerID: 9, hostID: 5000, size: 1 }), [/uidMappings\[1\] overlaps linux\.uidMappings\[0\]/]);
  t.strictSame(of(map, { containerID: 10, hostID: 1010, size: 1 }), []);
});

t.test('time namespace', async (t) => {
  const timeOffsets = { monotonic: { secs: 1 } };
  t.match(faults({ linux: { timeOffsets } }), [/time namespace isn't enabled in the config/]);
  t.match(faults({ linux: { timeOffsets, namespaces: [{ type: 'time', path: '/x' }] } }), [/you may only provide one/]);
  t.strictSame(faults({ linux: { timeOffsets, namespaces: [{ type: 'time' }] } }), []);
  t.strictSame(faults({ linux: { timeOffsets: {} } }), []);
});

t.test('devices', async (t) => {
  const device = { type: 'c', path: '/dev/x', major: 1, minor: 3 };
  const of = (members: Members): string[] => ofLinux({ devices: [{ ...device, ...members }] });
  t.strictSame(of({}), []);
  t.strictSame(ofLinux({ devices: [{ type: 'p', path: '/dev/fifo' }] }), []);
  t.match(of({ path: 'dev/x' }), [/^\/linux\/devices\/0\/path: .*absolute/]);
  t.match(of({ major: -1, minor: 1048576 }), [/major must be an integer from 0 to 4095/, /minor must be .* 1048575/]);
  t.strictSame(ofLinux({ devices: [device, { ...device, uid: 1 }] }), [], 'the same node again');
  t.strictSame(ofLinux({ devices: [device, { ...device, type: 'u' }] }), [], 'c and u are the same');
  const fifo = { type: 'p', path: '/dev/fifo' };
  t.strictSame(ofLinux({ devices: [fifo, { ...fifo, major: 0, minor: 0 }] }), [], 'a fifo has no number');
  t.match(ofLinux({ devices: [device, { ...fifo, path: device.path }] }), [/another device with the path/]);
  t.match(ofLinux({ devices: [device, { ...device, type: 'b' }] }), [/another device with the path/]);
  t.match(ofLinux({ devices: [device, { ...device, minor: 5 }] }), [
    /^\/linux\/devices\/1: linux\.devices\[0\] is another device with the path "\/dev\/x"/,
  ]);
  t.match(ofLinux({ devices: [{ type: 'b', path: '/dev/x' }] }), [/major .*missing/, /minor .*missing/]);
  const rule = (members: Members): string[] => ofResources({ devices: [{ allow: true, access: 'rw', ...members }] });
  t.strictSame(rule({ type: 'a', major: -1, minor: 5 }), []);
  t.match(rule({ access: '' }), [/device access at 0 field cannot be empty/]);
  t.match(rule({ access: 'rx' }), [/letters of rwm, found "rx"/]);
  t.match(rule({ type: 'p' }), [/invalid device type "p"/]);
  t.match(rule({ major: -2 }), [/or -1 for all, found -2/]);
});

t.test('limits', async (t) => {
  t.strictSame(ofResources({ memory: { limit: 1000, swap: 1000, reservation: -1, swappiness: 100 } }), []);
  t.strictSame(ofResources({ memory: { limit: -1, swap: 5, swappiness: 18446744073709551615n } }), []);
  t.match(ofResources({ memory: { swap: 1 } }), [/unable to set swap limit without memory limit/]);
  t.match(ofResources({ memory: { limit: 2, swap: 1 } }), [/memory\+swap limit should be >= memory limit/]);
  t.match(ofResources({ memory: { limit: -2, swappiness: 101 } }), [/found -2/, /at most 100/]);
  t.match(ofResources({ cpu: { cpus: 'x', mems: '0-1' } }), [/^\/linux\/resources\/cpu\/cpus: /]);
  t.strictSame(ofResources({ cpu: { period: 1000, quota: 1000, burst: 1000, idle: 1 }, pids: { limit: 4194304 } }), []);
  t.strictSame(ofResources({ cpu: { period: 1000000, quota: -1, burst: 5 }, pids: { limit: -1 } }), []);
  t.strictSame(ofResources({ cpu: { period: 0, quota: 0, burst: 5, realtimeRuntime: 5, realtimePeriod: 0 } }), []);
  t.match(ofResources({ cpu: { period: 999, quota: 1000, burst: 1001, idle: 2 }, pids: { limit: 4194305 } }), [
    /cpu\/period: .* from 1000 to 1000000 microseconds, found 999/,
    /cpu\/burst: .* at most the quota, 1000, found 1001/,
    /cpu\/idle: .* 0 or 1, found 2/,
    /pids\/limit: .* at most 4194304, or -1 for no limit, found 4194305/,
  ]);
  t.match(ofResources({ cpu: { period: 1000001, realtimeRuntime: 2, realtimePeriod: 1 } }), [
    /found 1000001/,
    /cpu\/realtimeRuntime: .* at most the period, 1, found 2/,
  ]);
  t.strictSame(
    ofResources({ blockIO: { weight: 0, leafWeight: 1000, weightDevice: [{ major: 8, minor: 0, weight: 10 }] } }),
    [],
  );
  t.match(ofResources({ blockIO: { weight: 9, weightDevice: [{ major: 8, minor: 0, weight: 1001 }] } }), [
    /^\/linux\/resources\/blockIO\/weight: .*from 10 to 1000, found 9/,
    /^\/linux\/resources\/blockIO\/weightDevice\/0\/weight: /,
  ]);
  t.match(ofResources({ unified: { 'a/b': '1' } }), [/unified resource "a\/b" must be a file name \(no slashes\)/]);
  t.match(ofLinux({ cgroupsPath: '/a/../b' }), [/must not contain "\.\."/]);
  t.strictSame(ofLinux({ cgroupsPath: '/a..b/c' }), []);
});

t.test('sysctl', async (t) => {
  const of = (name: string, ...types: string[]): string[] =>
    faults({ linux: { namespaces: types.map((type) => ({ type })), sysctl: { [name]: '1' } } });
  const allowed: readonly (readonly [name: string, type: string])[] = [
    ['kernel.msgmax', 'ipc'],
    ['kernel/shm_rmid_forced', 'ipc'],
    ['fs.mqueue.queues_max', 'ipc'],
    ['net.ipv4.ip_forward', 'network'],
    ['net/ipv4/conf/eth0.1/forwarding', 'network'],
    ['kernel.domainname', 'uts'],
  ];
  for (const [name, type] of allowed) {
    t.strictSame(of(name, type), [], name);
    t.equal(of(name).length, 1, `${name} without ${type}`);
  }
  t.match(of('kernel.sem'), [/sysctl "kernel\.sem" is not allowed in the hosts ipc namespace/]);
  t.match(of('net.core.somaxconn'), [/sysctl "net\.core\.somaxconn" is not allowed in host network namespace/]);
  t.match(of('kernel.hostname', 'uts'), [/conflicts with the OCI "hostname" field/]);
  t.match(of('user.max_mnt_namespaces'), [/setting ucounts without a user namespace not allowed: user\.max_mnt/]);
  t.match(of('vm.overcommit_memory', 'network'), [/is not in a separate kernel namespace/]);
  for (const name of [
    'net/../kernel/core_pattern',
    'net.a/../../kernel',
    'net//x',
    'net..x',
    '/net/x',
    'net/./x',
    'net',
    '',
  ]) {
    t.equal(of(name, 'network').length, 1, `${name} is refused`);
  }
  const tilde = ofLinux({ sysctl: { 'vm/a~b': '1' } });
  t.match(tilde, [/^\/linux\/sysctl\/vm~1a~0b: /]);
});

t.test('seccomp', async (t) => {
  const of = (seccomp: Members): string[] => ofLinux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...seccomp } });
  const rule = (members: Members): Members => ({ names: ['read'], action: 'SCMP_ACT_ERRNO', ...members });
  t.strictSame(of({ syscalls: [rule({ errnoRet: 4095 }), rule({ action: 'SCMP_ACT_TRACE', errnoRet: 65535 })] }), []);
  t.match(of({ syscalls: [rule({ errnoRet: 4096 })] }), [/^\/linux\/seccomp\/syscalls\/0\/errnoRet: .*at most 4095/]);
  t.match(of({ syscalls: [rule({ action: 'SCMP_ACT_ALLOW', errnoRet: 1 })] }), [
    /no meaning for the action SCMP_ACT_ALLOW/,
  ]);
  t.match(of({ defaultErrnoRet: 1 }), [/^\/linux\/seccomp\/defaultErrnoRet: /]);
  t.match(of({ defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/x' }), [/cannot be used as the default action/]);
  t.match(of({ listenerMetadata: 'x' }), [/needs linux\.seccomp\.listenerPath/]);
  const notify = rule({ names: ['read', 'write'], action: 'SCMP_ACT_NOTIFY' });
  t.strictSame(of({ listenerPath: '/x', syscalls: [notify] }), []);
  t.match(of({ syscalls: [rule({ action: 'SCMP_ACT_NOTIFY' })] }), [/listenerPath must be set/]);
  const argument = { index: 6, value: 0, op: 'SCMP_CMP_EQ' };
  t.match(of({ syscalls: [rule({ args: [argument] })] }), [
    /^\/linux\/seccomp\/syscalls\/0\/args\/0\/index: .*at most 5/,
  ]);
});
