import t from 'tap';
import { __O_TMPFILE } from '../../kernel/call-flags.ts';
import { S_IFCHR, S_IFIFO } from '../../kernel/files.ts';
import { O_RDWR } from '../../kernel/open-flags.ts';
import { argumentWords, conditionWords } from './arguments.ts';

const words = (call: string, values: bigint[], compared: number[] = []): string =>
  argumentWords(call, values, compared, {
    string: (index) => (values[index] === 0n ? undefined : `text ${String(index)}`),
    bytes: () => undefined,
  });

/** The words for a call whose argument `at` points to these bytes. */
function wordsWith(call: string, values: bigint[], at: number, memory: readonly number[]): string {
  const bytes = Uint8Array.from(memory);
  return argumentWords(call, values, [], {
    string: (index, offset = 0) =>
      index === at ? Buffer.from(bytes.subarray(offset)).toString().split('\0')[0] : undefined,
    bytes: (index, size) => (index === at && size <= bytes.length ? bytes.subarray(0, size) : undefined),
  });
}

const numbers = (...values: bigint[]): number[] => [...new Uint8Array(new BigUint64Array(values).buffer)];
const text = (value: string): number[] => [...Buffer.from(value)];

t.test('argumentWords: what a structure or a string with a length holds', async (t) => {
  const how = (flags: bigint, mode: bigint, resolve: bigint): string =>
    wordsWith('openat2', [3n, 0n, 1n, 24n], 2, numbers(flags, mode, resolve));
  t.equal(how(0n, 0n, 0x8n), 'openat2(3, 0x0, {flags: O_RDONLY, resolve: 0x8})');
  t.equal(how(0x41n, 0o600n, 0n), 'openat2(3, 0x0, {flags: O_WRONLY|O_CREAT, mode: 0600})');
  const connect = (memory: readonly number[], size = memory.length): string =>
    wordsWith('connect', [3n, 1n, BigInt(size)], 1, memory);
  const rest = new Array<number>(8).fill(0);
  t.equal(connect([2, 0, 0, 80, 10, 0, 0, 1, ...rest]), 'connect(3, 10.0.0.1:80)');
  const v6 = (...words: number[]): string =>
    connect([10, 0, 1, 187, 0, 0, 0, 0, ...words.flatMap((word) => [word >> 8, word & 0xff]), 0, 0, 0, 0]);
  t.equal(v6(0, 0, 0, 0, 0, 0, 0, 0), 'connect(3, [::]:443)');
  t.equal(v6(0, 0, 0, 0, 0, 0, 0, 1), 'connect(3, [::1]:443)');
  t.equal(v6(0xfe80, 0, 0, 0, 0, 0, 0, 0), 'connect(3, [fe80::]:443)');
  t.equal(v6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 0), 'connect(3, [2001:db8:0:0:1::]:443)');
  t.equal(v6(0x2001, 0, 3, 4, 5, 6, 7, 8), 'connect(3, [2001:0:3:4:5:6:7:8]:443)');
  t.equal(connect([1, 0, ...text('/run/x\0y')]), 'connect(3, "/run/x")');
  t.equal(connect([1, 0, 0, ...text('name and more')], 7), 'connect(3, "@name")');
  t.equal(connect([1, 0]), 'connect(3, AF_UNIX)');
  t.equal(connect([16, 0, 0, 0]), 'connect(3, AF_NETLINK)');
  t.equal(connect([2, 0, 0]), 'connect(3, AF_INET)', 'cut off');
  t.equal(wordsWith('connect', [3n, 1n, 1n], 2, []), 'connect(3, 0x1)');
  t.equal(
    wordsWith('setrlimit', [7n, 1n], 1, numbers(1024n, 2n ** 64n - 1n)),
    'setrlimit(RLIMIT_NOFILE, {soft: 1024, hard: unlimited})',
  );
  t.equal(words('prlimit64', [0n, 7n, 0n]), 'prlimit64(0, RLIMIT_NOFILE, 0x0)');
  t.equal(wordsWith('sethostname', [1n, 3n], 0, text('boxes')), 'sethostname("box")');
});

t.test('argumentWords: what the call ignores is left out', async (t) => {
  t.equal(words('openat', [3n, 1n, 0n, 0x5555n]), 'openat(3, "text 1", O_RDONLY)');
  t.equal(words('openat', [3n, 1n, 0x41n, 0n]), 'openat(3, "text 1", O_WRONLY|O_CREAT, 0)');
  t.equal(
    words('openat', [3n, 1n, BigInt(O_RDWR | __O_TMPFILE | 0x10000), 0o600n]),
    'openat(3, "text 1", O_RDWR|O_TMPFILE|0x10000, 0600)',
  );
  t.equal(words('mknod', [1n, BigInt(S_IFCHR | 0o666), 0x3000_0afan]), 'mknod("text 0", S_IFCHR|0666, 10:196858)');
  t.equal(words('mknodat', [3n, 1n, BigInt(S_IFIFO | 0o600), 7n]), 'mknodat(3, "text 1", S_IFIFO|0600)');
  t.equal(words('mknod', [1n, 0o600n, 7n]), 'mknod("text 0", 0600)');
  t.equal(words('syslog', [3n]), 'syslog(SYSLOG_ACTION_READ_ALL)');
  t.equal(words('sched_setscheduler', [0n, 1n]), 'sched_setscheduler(0, SCHED_FIFO)');
});

t.test('argumentWords: numbers have the names that they have in programs', async (t) => {
  t.equal(words('mount', [1n, 1n, 0n, 0x1022n]), 'mount("text 0", "text 1", 0x0, MS_NOSUID|MS_REMOUNT|MS_BIND)');
  t.equal(
    words('openat', [0xffff_ff9cn, 1n, 0x80241n, 0o644n]),
    'openat(AT_FDCWD, "text 1", O_WRONLY|O_CREAT|O_TRUNC|0x80000, 0644)',
  );
  t.equal(words('socket', [17n, 0x80003n, 768n]), 'socket(AF_PACKET, SOCK_RAW|SOCK_CLOEXEC, 768)');
  t.equal(words('socket', [1n, 0x81801n, 0n]), 'socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC|0x1000, 0)');
  t.equal(words('unshare', [0x1002_0000n]), 'unshare(CLONE_NEWNS|CLONE_NEWUSER)');
  t.equal(words('kill', [0xffff_ffffn, 9n]), 'kill(-1, SIGKILL)');
});

t.test('argumentWords: of an unknown call only what the profile compares', async (t) => {
  t.equal(words('getrandom', [1n, 2n]), 'getrandom(...)');
  t.equal(words('getrandom', [1n, 2n, 3n], [2]), 'getrandom(..., ..., 0x3)');
  t.equal(words('constructor', []), 'constructor(...)');
});

t.test('conditionWords: a constant has its name only where it is compared as that', async (t) => {
  const masked = (call: string, index: number, mask: bigint, value: bigint): string => {
    const words = conditionWords(call, index, { mask, value, isEqual: false });
    return `${words.mask ?? ''} == ${words.value}`;
  };
  const whole = (call: string, index: number, value: bigint, isEqual: boolean): string =>
    conditionWords(call, index, { value, isEqual }).value;
  t.equal(masked('setrlimit', 0, 4n, 0n), '0x4 == 0x0');
  t.equal(masked('setrlimit', 0, 4n, 4n), '0x4 == 0x4');
  t.equal(masked('setrlimit', 0, 0xffff_ffffn, 4n), '0xffffffff == RLIMIT_CORE');
  t.equal(masked('socket', 0, 2n, 2n), '0x2 == 0x2');
  t.equal(masked('socket', 1, 0xfn, 3n), '0xf == SOCK_RAW');
  t.equal(masked('socket', 1, 0x3n, 3n), '0x3 == 0x3');
  t.equal(masked('kill', 1, 9n, 9n), '0x9 == 0x9');
  t.equal(masked('kill', 0, 0xffff_ffffn, 0xffff_ffffn), '0xffffffff == -1');
  t.equal(masked('fchmod', 1, 0o6000n, 0n), '06000 == 0');
  t.equal(masked('unshare', 0, 0x1002_0000n, 0x2_0000n), 'CLONE_NEWNS|CLONE_NEWUSER == CLONE_NEWNS');
  t.equal(masked('open', 1, 3n, 0n), 'O_ACCMODE == O_RDONLY');
  t.equal(masked('open', 1, 0x41n, 0x40n), 'O_WRONLY|O_CREAT == O_CREAT');
  t.equal(whole('kill', 1, 9n, true), 'SIGKILL');
  t.equal(whole('kill', 1, 9n, false), '0x9');
  t.equal(whole('kill', 0, 0xffff_ffffn, false), '-1');
});
