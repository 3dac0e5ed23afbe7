import t from 'tap';
import type { Config } from '../../../schema/generated/config.ts';
import { S_IFCHR, S_IFIFO } from '../../kernel/files.ts';
import { fallibleCalls, likelyCause } from './likely.ts';
import type { Caller, Capability } from './likely.ts';
import { isCallName } from './calls.ts';

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
  noNewPrivileges: true,
  uids: [1000],
  gids: [100],
  directory: () => '/data',
});

/** Strings are arguments that point to them. */
function cause(name: string, args: readonly (bigint | string)[], ...capabilities: Capability[]): string | undefined {
  const values = args.map((one) => (typeof one === 'string' ? 1n : one));
  const string = (index: number): string | undefined => {
    const one = args[index];
    return typeof one === 'string' ? one : undefined;
  };
  const found = likelyCause({ name, values, string }, caller(...capabilities), config);
  return found && `${found.words} ${found.pointer}`;
}

const character = BigInt(S_IFCHR | 0o600);
const fifo = BigInt(S_IFIFO | 0o600);
const here = 0xffff_ff9cn;

t.test('likelyCause: a capability that the process lacks', async (t) => {
  t.equal(cause('mount', []), 'the process has no CAP_SYS_ADMIN /process/capabilities');
  t.equal(cause('mount', [], 'CAP_SYS_ADMIN'), undefined);
  t.match(cause('setuid', [0n]), 'no CAP_SETUID, and process.noNewPrivileges keeps set-user-ID programs from it');
  t.equal(cause('setuid', [1000n]), undefined);
  t.match(cause('fchownat', [here, '/tmp/x', 0xffff_ffffn, 7n]), 'no CAP_CHOWN');
  t.equal(cause('fchownat', [here, '/tmp/x', 0xffff_ffffn, 100n]), undefined);
  t.match(cause('unshare', [0x2_0000n]), 'no CAP_SYS_ADMIN');
  t.equal(cause('unshare', [0x1002_0000n]), undefined);
  t.equal(cause('clone', [0x0120_0091n]), undefined, 'the signal is no namespace');
  t.match(cause('socket', [2n, 3n]), 'no CAP_NET_RAW');
  t.equal(cause('socket', [2n, 1n]), undefined);
  t.match(cause('mknodat', [here, '/tmp/x', character, 0x103n]), 'no CAP_MKNOD');
  t.equal(cause('mknodat', [here, '/tmp/x', fifo, 0n]), undefined);
  t.equal(cause('ptrace', [0n]), undefined);
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
  t.equal(cause('mkdir', ['/database']), 'the root is read-only /root/readonly');
  t.equal(cause('rename', ['/tmp/x', '/y']), 'the root is read-only /root/readonly');
  t.equal(cause('openat', [here, '/proc/sys/kernel/x', 1n]), '/proc/sys is read-only /linux/readonlyPaths/0');
  t.equal(cause('openat', [here, '/etc/passwd', 0n]), undefined);
  t.equal(cause('unlinkat', [5n, 'x', 0n]), undefined, 'relative to an unknown directory');
});

t.test('fallibleCalls: names of system calls', async (t) => {
  t.strictSame(
    fallibleCalls().filter((name) => !isCallName(name)),
    [],
  );
});
