import t from 'tap';
import { argumentWords } from './arguments.ts';

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
