import { posix } from 'node:path';
import t from 'tap';
import type { Config } from '../../../schema/generated/config.ts';
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG } from '../../kernel/files.ts';
import { MOUNT_ATTR } from '../../kernel/mounts.ts';
import { O_CREAT, O_EXCL, O_RDWR, O_WRONLY } from '../../kernel/open-flags.ts';
import { SECCOMP_RET } from '../../kernel/seccomp.ts';
import { fallibleCalls, likelyCause } from './likely.ts';
import type { LikelyCause } from './likely.ts';
import type { Caller, Capability, Place } from './needs.ts';
import { isCallName } from './calls.ts';
import { checkSeccomp } from './compile.ts';
import { callData, simulator } from './machine.ts';

const config: Config = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs', readonly: true },
  process: { cwd: '/', capabilities: {} },
  mounts: [
    { destination: '/data', options: ['rw', 'ro'] },
    { destination: '/data/new/', options: ['nosuid'] },
    { destination: '/tmp' },
  ],
  linux: {
    readonlyPaths: ['/proc/sys'],
    devices: [
      { path: '/dev/tun', type: 'c', major: 10, minor: 200 },
      { path: '/dev/kvm', type: 'c', major: 10, minor: 232 },
    ],
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 10, minor: 232, access: 'r' },
      ],
    },
  },
};

const caller = (...capabilities: Capability[]): Caller => ({
  has: (one) => capabilities.includes(one),
  inInitialUserNamespace: () => true,
  noNewPrivileges: () => true,
  uids: () => [1000],
  gids: () => [100],
  directory: () => '/data',
  place,
  hasOtherIds: (pid) => pid === 1,
  hardLimit: () => 1024n,
  restrictsLog: () => false,
});

/** A tree: what is there, below the root, and the mounts. */
const tree: Readonly<Record<string, number>> = {
  '/': S_IFDIR,
  '/etc/passwd': S_IFREG | 0o644,
  '/etc/own': S_IFREG | 0o644,
  '/bin/ls': S_IFREG | 0o755,
  '/dev/null': S_IFCHR | 0o666,
  '/dev/tun': S_IFCHR | 0o666,
  '/dev/kvm': S_IFCHR | 0o666,
  '/data/old': S_IFREG | 0o666,
  '/tmp/x.sh': S_IFREG | 0o755,
  '/tmp/run/x.sh': S_IFREG | 0o755,
};
const points = ['/tmp/run', '/tmp', '/data/new', '/data', '/proc/sys', '/'];
const readOnly = ['/data', '/proc/sys', '/'];

function place(path: string): Place | 'none' | undefined {
  if (path.includes('/none/')) return 'none';
  if (path.includes('/unknown/')) return undefined;
  const resolved = posix.normalize(path.replace(/^\/var\/run\//, '/tmp/'));
  const point = points.find((one) => one === '/' || resolved.startsWith(`${one}/`)) ?? '/';
  const flags = readOnly.includes(point) ? MOUNT_ATTR.RDONLY : point === '/tmp' ? MOUNT_ATTR.NOEXEC : 0;
  return {
    path: resolved,
    mode: tree[resolved],
    isOwn: resolved === '/etc/own',
    mount: { id: point, path: point, flags },
  };
}

/** Strings and bytes are what an argument points to. */
type Argument = bigint | string | Uint8Array;

function found(name: string, args: readonly Argument[], by = caller(), of = config): LikelyCause | undefined {
  const values = args.map((one) => (typeof one === 'bigint' ? one : 1n));
  const string = (index: number): string | undefined => {
    const one = args[index];
    return typeof one === 'string' ? one : undefined;
  };
  const bytes = (index: number, size: number): Uint8Array | undefined => {
    const one = args[index];
    return one instanceof Uint8Array && one.length >= size ? one.subarray(0, size) : undefined;
  };
  return likelyCause({ name, values, string, bytes }, by, of);
}

function cause(name: string, args: readonly Argument[], ...capabilities: Capability[]): string | undefined {
  const one = found(name, args, caller(...capabilities));
  return one && `${one.words} ${one.pointer}`;
}

const character = BigInt(S_IFCHR | 0o600);
const fifo = BigInt(S_IFIFO | 0o600);
const here = 0xffff_ff9cn;

t.test('likelyCause: a capability that the process lacks', async (t) => {
  t.equal(cause('mount', []), 'the process has no CAP_SYS_ADMIN /process/capabilities');
  t.equal(cause('mount', [], 'CAP_SYS_ADMIN'), undefined);
  t.match(cause('setuid', [0n]), 'no CAP_SETUID, and process.noNewPrivileges keeps set-user-ID programs from it');
  t.equal(cause('setuid', [1000n]), undefined);
  t.match(cause('fchownat', [here, '/tmp/x.sh', 0xffff_ffffn, 7n]), 'no CAP_CHOWN');
  t.equal(cause('fchownat', [here, '/tmp/x.sh', 0xffff_ffffn, 100n]), undefined);
  t.match(cause('unshare', [0x2_0000n]), 'no CAP_SYS_ADMIN');
  t.equal(cause('unshare', [0x1002_0000n]), undefined);
  t.equal(cause('clone', [0x0120_0091n]), undefined, 'the signal is no namespace');
  t.match(cause('socket', [2n, 3n, 1n]), 'no CAP_NET_RAW');
  t.match(cause('socket', [10n, 0x80803n, 58n]), 'no CAP_NET_RAW');
  t.match(cause('socket', [17n, 2n, 0n]), 'no CAP_NET_RAW');
  t.equal(cause('socket', [2n, 3n, 0n]), undefined, 'there is no raw socket without a protocol');
  t.equal(cause('socket', [16n, 0x80003n, 0n]), undefined, 'netlink takes none');
  t.equal(cause('socket', [31n, 3n, 1n]), undefined);
  t.equal(cause('socket', [2n, 1n]), undefined);
  t.match(cause('mknodat', [here, '/tmp/x', character, 0x103n]), 'no CAP_MKNOD');
  t.equal(cause('mknodat', [here, '/tmp/x', fifo, 0n]), undefined);
  t.equal(cause('ptrace', [0n, 1n]), undefined);
  t.match(cause('ptrace', [16n, 1n]), 'no CAP_SYS_PTRACE');
  t.equal(cause('ptrace', [0x4206n, 7n]), undefined, 'a process with the same ids');
  t.match(cause('process_vm_readv', [1n]), 'no CAP_SYS_PTRACE');
  t.equal(cause('process_vm_readv', [7n]), undefined);
});

t.test('likelyCause: what a call needs follows from all of its arguments', async (t) => {
  const numbers = (...values: bigint[]) => new Uint8Array(new BigUint64Array(values).buffer);
  const port = (number: number) =>
    Uint8Array.from([2, 0, number >> 8, number & 0xff, ...new Array<number>(12).fill(0)]);
  t.match(cause('bind', [3n, port(80), 16n]), 'no CAP_NET_BIND_SERVICE');
  t.equal(cause('bind', [3n, port(80), 16n], 'CAP_NET_BIND_SERVICE'), undefined);
  t.equal(cause('bind', [3n, port(8080), 16n]), undefined);
  t.equal(cause('bind', [3n, port(0), 16n]), undefined);
  const linux = { sysctl: { 'net.ipv4.ip_unprivileged_port_start': '80' } };
  t.equal(found('bind', [3n, port(80), 16n], caller(), { ...config, linux }), undefined);
  t.match(cause('setrlimit', [7n, numbers(1024n, 1025n)]), 'no CAP_SYS_RESOURCE');
  t.equal(cause('setrlimit', [7n, numbers(1n, 1024n)]), undefined);
  t.match(cause('prlimit64', [0n, 7n, numbers(1n, 2n ** 64n - 1n)]), 'no CAP_SYS_RESOURCE');
  t.equal(cause('prlimit64', [0n, 7n, 0n]), undefined);
  t.match(cause('syslog', [4n]), 'no CAP_SYSLOG');
  t.equal(cause('syslog', [3n]), undefined);
  t.match(found('syslog', [3n], { ...caller(), restrictsLog: () => true })?.words, 'no CAP_SYSLOG');
  t.match(cause('setpriority', [0n, 0n, 2n ** 64n - 1n]), 'no CAP_SYS_NICE');
  t.equal(cause('setpriority', [0n, 0n, 5n]), undefined);
  t.match(cause('sched_setscheduler', [0n, 0x4000_0001n]), 'no CAP_SYS_NICE');
  t.equal(cause('sched_setscheduler', [0n, 3n]), undefined);
  const limited = { ...config, process: { cwd: '/', rlimits: [{ type: 'RLIMIT_RTPRIO', soft: 5, hard: 5 }] } };
  t.equal(found('sched_setscheduler', [0n, 1n], caller(), limited), undefined);
  t.match(cause('sched_setattr', [0n, numbers(2n << 32n)]), 'no CAP_SYS_NICE');
  t.match(cause('adjtimex', [numbers(1n)]), 'no CAP_SYS_TIME');
  t.equal(cause('adjtimex', [numbers(0n)]), undefined);
  t.equal(cause('bpf', [0n]), 'the process has neither CAP_BPF nor CAP_SYS_ADMIN /process/capabilities');
  t.equal(cause('bpf', [0n], 'CAP_SYS_ADMIN'), undefined);
  t.match(cause('openat2', [here, '/dev/tun', numbers(2n, 0n, 0n)]), 'no rule allows the device c 10:200 rw');
  t.match(cause('openat2', [here, '/etc/x', numbers(0x41n, 0n, 0n)]), 'the root is read-only');
  t.equal(cause('openat2', [here, '/etc/x', numbers(0n, 0n, 0n)]), undefined);
});

t.test('likelyCause: a capability of another user namespace than the initial one', async (t) => {
  const inside = { ...caller('CAP_SYS_TIME', 'CAP_SYS_ADMIN'), inInitialUserNamespace: () => false };
  const namespaces = [{ type: 'pid' as const }, { type: 'user' as const }];
  const of = { ...config, linux: { namespaces } };
  t.strictSame(found('clock_settime', [], inside, of), {
    words: 'it takes CAP_SYS_TIME of the initial user namespace, and the process is in another one',
    pointer: '/linux/namespaces/1',
  });
  t.equal(found('mount', [], inside, of), undefined);
});

t.test('likelyCause: a device without a rule', async (t) => {
  const where = ' /linux/resources/devices';
  t.equal(cause('openat', [here, '/dev/tun', 2n]), `no rule allows the device c 10:200 rw${where}`);
  t.equal(cause('openat', [here, '/dev/kvm', 0n]), undefined);
  t.equal(cause('open', ['/dev/kvm', 2n]), `no rule allows the device c 10:232 rw${where}`);
  t.equal(cause('openat', [here, '/dev/null', 0n]), undefined);
  t.equal(cause('mknod', ['/tmp/x', character, 0x103n], 'CAP_MKNOD'), undefined, 'any device may be made');
});

t.test('likelyCause: a place that is read-only', async (t) => {
  t.equal(cause('mkdirat', [here, 'x', 0o777n]), 'the mount at /data is read-only /mounts/0/options');
  t.equal(cause('mkdir', ['/data/new/x']), undefined);
  t.equal(cause('mkdir', ['/data/new/../x']), 'the mount at /data is read-only /mounts/0/options');
  t.equal(cause('mkdir', ['/']), undefined, 'it exists');
  t.equal(cause('mkdir', ['/database']), 'the root is read-only /root/readonly');
  t.equal(cause('rename', ['/bin/ls', '/y']), 'the root is read-only /root/readonly');
  t.equal(cause('rename', ['/tmp/x', '/y']), undefined, 'EXDEV');
  t.equal(cause('openat', [here, '/proc/sys/kernel/x', 0x41n]), '/proc/sys is read-only /linux/readonlyPaths/0');
  t.equal(cause('openat', [here, '/etc/passwd', 0n]), undefined);
  t.equal(cause('unlinkat', [5n, 'x', 0n]), undefined, 'relative to an unknown directory');
});

t.test('likelyCause: nothing about a call that fails, or does not, because of what is at its path', async (t) => {
  t.equal(cause('mkdir', ['/var/run/app']), undefined, 'a link leads out of the root');
  t.equal(cause('mkdir', ['/data/old']), undefined, 'EEXIST');
  t.equal(cause('mkdir', ['/none/x']), undefined, 'ENOENT');
  t.equal(cause('mkdir', ['/unknown/x']), undefined);
  t.equal(cause('mkdir', [`/${'x'.repeat(126)}`]), undefined, 'not all of it was read');
  t.equal(cause('unlink', ['/bin/ls']), 'the root is read-only /root/readonly');
  t.equal(cause('chown', ['/etc/none', 0n, 0n]), undefined);
  t.equal(cause('mknod', ['/bin/ls', character, 0x103n]), undefined);
  t.equal(cause('mount', ['x', '/etc/none', 'tmpfs']), undefined);
  t.equal(cause('chroot', ['/none/x']), undefined);
  const open = (path: string, flags: number, ...capabilities: Capability[]): string | undefined =>
    cause('open', [path, BigInt(flags)], ...capabilities);
  t.equal(open('/etc/passwd', O_WRONLY), undefined, 'EACCES');
  t.match(open('/etc/passwd', O_WRONLY, 'CAP_DAC_OVERRIDE'), 'the root is read-only');
  t.match(open('/etc/own', O_WRONLY), 'the root is read-only');
  t.match(open('/data/old', O_RDWR), 'the mount at /data');
  t.equal(open('/data/old', O_CREAT), undefined, 'it is there');
  t.equal(open('/data/old', O_CREAT | O_EXCL | O_RDWR), undefined);
  t.equal(open('/data/x', O_WRONLY), undefined, 'ENOENT');
  t.match(open('/data/x', O_CREAT), 'the mount at /data');
  t.equal(open('/dev/null', O_WRONLY), undefined, 'a device');
});

t.test('likelyCause: two causes, in the order of the kernel', async (t) => {
  t.strictSame(found('chown', ['/etc/passwd', 5n, 0xffff_ffffn], { ...caller(), uids: () => [0] }), {
    words: 'the root is read-only; if it were not, the process has no CAP_CHOWN',
    pointer: '/root/readonly',
    cure: 'write false there, or add a bind mount of a directory of the host for what shall change to mounts; also add "CAP_CHOWN" to process.capabilities.{bounding,effective,permitted}',
  });
  t.match(cause('mknod', ['/x', character, 0x103n]), 'read-only; if it were not, the process has no CAP_MKNOD');
  t.match(cause('mknod', ['/x', character, 0x103n], 'CAP_MKNOD'), /^the root is read-only \//);
});

t.test('likelyCause: a cure that is JSON to paste', async (t) => {
  const with_ = (process: Partial<Config['process']>, uid = 0, name = 'mount'): string | undefined =>
    found(name, [], { ...caller(), uids: () => [uid] }, { ...config, process: { cwd: '/', ...process } })?.cure;
  t.equal(with_({ capabilities: {} }), 'add "CAP_SYS_ADMIN" to process.capabilities.{bounding,effective,permitted}');
  t.equal(
    with_({ capabilities: { bounding: ['CAP_SYS_ADMIN'], permitted: ['CAP_SYS_ADMIN'] } }),
    'add "CAP_SYS_ADMIN" to process.capabilities.effective',
  );
  t.equal(
    with_({ capabilities: {} }, 1000, 'chroot'),
    'add "CAP_SYS_CHROOT" to process.capabilities.{bounding,effective,inheritable,permitted,ambient}',
  );
  t.equal(
    with_({}, 0, 'chroot'),
    'add "capabilities": {"bounding": ["CAP_SYS_CHROOT"], "effective": ["CAP_SYS_CHROOT"], "permitted": ["CAP_SYS_CHROOT"]} to process',
  );
  const all = { bounding: ['CAP_SYS_ADMIN'], effective: ['CAP_SYS_ADMIN'], permitted: ['CAP_SYS_ADMIN'] };
  const lost = found(
    'mount',
    [],
    { ...caller(), uids: () => [0] },
    { ...config, process: { cwd: '/', capabilities: all } },
  );
  t.equal(lost?.words, 'the process has no CAP_SYS_ADMIN left, although process.capabilities has it');
  t.equal(lost?.cure, undefined);
  t.equal(
    found('openat', [here, '/dev/tun', 2n])?.cure,
    'add {"allow": true, "type": "c", "major": 10, "minor": 200, "access": "rw"} to linux.resources.devices, as the last one',
  );
  t.equal(found('mkdir', ['/proc/sys/x'])?.cure, 'remove "/proc/sys" there');
  t.match(found('mkdir', ['/data/x'])?.cure, 'write "rw" there');
  t.equal(
    found('mkdir', ['/run/x'])?.cure,
    'write false there, or add {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]} to mounts, if what is there may be hidden',
  );
  const bind = 'write false there, or add a bind mount of a directory of the host for what shall change to mounts';
  t.equal(found('mkdir', ['/x'])?.cure, bind);
  t.equal(found('unlink', ['/bin/ls'])?.cure, bind, 'a tmpfs would hide the other programs');
  t.match(found('mkdir', ['/var/log/a[ b\n/x'])?.cure, String.raw`{"destination": "/var/log/a[ b\n", "type"`);
});

t.test('likelyCause: a program that may not be executed', async (t) => {
  const mounts = [{ destination: '/tmp', options: ['exec', 'noexec'] }, { destination: '/tmp/run' }];
  const of = { ...config, mounts };
  t.match(found('execve', ['/tmp/x.sh', 0n, 0n], caller(), of), {
    words: 'no program on the mount at /tmp may be executed',
    pointer: '/mounts/0/options',
    cure: 'remove "noexec" there',
  });
  t.equal(found('execve', ['/tmp/run/x.sh', 0n, 0n], caller(), of), undefined);
  t.equal(found('execve', ['/tmp/none', 0n, 0n], caller(), of), undefined, 'ENOENT');
  t.equal(found('execve', ['/bin/ls', 0n, 0n], caller(), of), undefined);
});

t.test('fallibleCalls: system calls, of open(2) those that read only if a device is refused', async (t) => {
  const rules = fallibleCalls({ ociVersion: '1.3.0' });
  t.strictSame(
    rules.flatMap(({ names }) => names).filter((name) => !isCallName(name)),
    [],
  );
  const asks = (of: Config, flags: bigint): boolean => {
    const section = { defaultAction: 'SCMP_ACT_ALLOW' as const, syscalls: fallibleCalls(of) };
    const checked = checkSeccomp(section, { nativeArch: 'x86_64', diagnostics: [] });
    const verdict = simulator(checked?.filter() ?? new Uint8Array(0))(callData(0xc000_003e, 257, [3n, 1n, flags]));
    return verdict === SECCOMP_RET.USER_NOTIF;
  };
  for (const flags of [1n, 2n, 0x40n, 0x200n]) t.ok(asks({ ociVersion: '1.3.0' }, flags), flags.toString());
  t.notOk(asks({ ociVersion: '1.3.0' }, 0x80000n));
  t.ok(asks(config, 0x80000n));
});
