import t from 'tap';
import { argumentWords, conditionWords } from './arguments.ts';

const words = (call: string, values: bigint[], compared: number[] = []): string =>
  argumentWords(call, values, compared, (index) => (values[index] === 0n ? undefined : `text ${String(index)}`));

t.test('argumentWords: numbers have the names that they have in programs', async (t) => {
  t.equal(words('mount', [1n, 1n, 0n, 0x1022n]), 'mount("text 0", "text 1", 0x0, MS_NOSUID|MS_REMOUNT|MS_BIND)');
  t.equal(
    words('openat', [0xffff_ff9cn, 1n, 0x80241n, 0o644n]),
    'openat(AT_FDCWD, "text 1", O_WRONLY|O_CREAT|O_TRUNC|0x80000, 0644)',
  );
  t.equal(words('socket', [17n, 0x80003n, 768n]), 'socket(AF_PACKET, SOCK_RAW|0x80000, 768)');
  t.equal(words('unshare', [0x1002_0000n]), 'unshare(CLONE_NEWNS|CLONE_NEWUSER)');
  t.equal(words('kill', [0xffff_ffffn, 9n]), 'kill(-1, SIGKILL)');
  t.equal(words('prlimit64', [0n, 7n]), 'prlimit64(0, RLIMIT_NOFILE)');
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
  t.equal(masked('fchmod', 1, 0o6000n, 0n), '06000 == 00');
  t.equal(masked('unshare', 0, 0x1002_0000n, 0x2_0000n), 'CLONE_NEWNS|CLONE_NEWUSER == CLONE_NEWNS');
  t.equal(masked('open', 1, 3n, 0n), 'O_ACCMODE == O_RDONLY');
  t.equal(masked('open', 1, 0x41n, 0x40n), 'O_WRONLY|O_CREAT == O_CREAT');
  t.equal(whole('kill', 1, 9n, true), 'SIGKILL');
  t.equal(whole('kill', 1, 9n, false), '0x9');
  t.equal(whole('kill', 0, 0xffff_ffffn, false), '-1');
});
