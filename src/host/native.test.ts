import {
  chmodSync,
  constants as fileConstants,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { spawn } from 'node:child_process';
import t from 'tap';
import { loadNative } from './node.ts';

const { EFBIG, EINVAL, EISDIR, EEXIST, ENOENT, ESRCH } = constants.errno;
const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;

const native = loadNative();
const directory = mkdtempSync('/tmp/rt-native-');
t.teardown(() => {
  rmSync(directory, { recursive: true });
});

t.test('readText and readBytes give the whole file, and its errno when they cannot', async (t) => {
  const path = `${directory}/text`;
  writeFileSync(path, 'größe 🐳\n');
  t.equal(native.readText(path, 100), 'größe 🐳\n');
  t.same(native.readBytes(path, 100), new TextEncoder().encode('größe 🐳\n').buffer);
  t.equal(native.readText(path, 5), -EFBIG);
  t.equal(native.readText(`${directory}/none`, 5), -ENOENT);
  t.equal(native.readText(directory, 5), -EISDIR);
});

t.test('readText reads kernel files, whose size is reported as 0, and stops at the limit', async (t) => {
  t.match(native.readText('/proc/self/status', 1 << 20), /^Name:/);
  t.equal(native.readText('/dev/zero', 1 << 20), -EFBIG);
});

t.test('writeText honours flags and mode', async (t) => {
  const path = `${directory}/written`;
  t.equal(native.writeText(path, 'one', O_WRONLY | O_CREAT | O_EXCL, 0o600), 0);
  t.equal(native.readText(path, 10), 'one');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(native.writeText(path, 'two', O_WRONLY | O_CREAT | O_EXCL, 0o600), -EEXIST);
});

t.test('a NUL in a path is an error, not the end of the path', async (t) => {
  t.equal(native.readText(`${directory}/text\0.json`, 100), -EINVAL);
  t.equal(native.rmdir('\0'), -EINVAL);
});

t.test('an argument of the wrong type throws', async (t) => {
  t.throws(() => native.rmdir(1 as unknown as string), TypeError);
  t.throws(() => native.close('1' as unknown as number), TypeError);
});

t.test('readDirectory lists names each ended by NUL', async (t) => {
  const path = `${directory}/list`;
  t.equal(native.mkdir(path, 0o700), 0);
  t.equal(native.readDirectory(path), '');
  writeFileSync(`${path}/a`, '');
  writeFileSync(`${path}/.b`, '');
  const names = native.readDirectory(path);
  t.same(String(names).split('\0').sort(), ['', '.b', 'a']);
  t.equal(native.readDirectory(`${path}/a`), -constants.errno.ENOTDIR);
  t.equal(native.unlink(`${path}/a`), 0);
  t.equal(native.rename(`${path}/.b`, `${path}/b`), 0);
  t.equal(native.unlink(`${path}/b`), 0);
  t.equal(native.rmdir(path), 0);
});

t.test('stat follows a link only when asked', async (t) => {
  symlinkSync('text', `${directory}/link`);
  const link = native.stat(`${directory}/link`, 0);
  const file = native.stat(`${directory}/link`, 1);
  if (typeof link === 'number' || typeof file === 'number') return t.fail('stat failed');
  t.equal((link[0] ?? 0) & fileConstants.S_IFMT, fileConstants.S_IFLNK);
  t.equal(file[3], statSync(`${directory}/text`).ino);
  t.equal(native.readLink(`${directory}/link`), 'text');
  t.equal(native.realPath(`${directory}/link`), `${directory}/text`);
  t.equal(native.chmod(`${directory}/text`, 0o640), 0);
  t.equal(statSync(`${directory}/text`).mode & 0o777, 0o640);
  chmodSync(`${directory}/text`, 0o644);
  t.equal(native.chmod(`${directory}/link`, 0o600), -95, 'EOPNOTSUPP: what a link leads to keeps its mode');
  t.equal(statSync(`${directory}/text`).mode & 0o777, 0o644);
});

t.test('fileSystemType is the f_type of statfs', async (t) => {
  t.equal(native.fileSystemType('/proc'), 0x9fa0);
});

t.test('process facts agree with those of Node', async (t) => {
  t.equal(native.processId(), process.pid);
  t.equal(native.effectiveUid(), process.geteuid?.());
  t.equal(native.getCwd(), process.cwd());
  process.env['RT_NATIVE_TEST'] = 'set';
  t.equal(native.getEnv('RT_NATIVE_TEST'), 'set');
  t.equal(native.getEnv('RT_NATIVE_NONE'), -ENOENT);
  t.match(native.kernel(), /^\d+\.\d+.*\0[a-z0-9_]+\0$/);
  const [seconds, nanoseconds] = native.realTime();
  t.ok(Math.abs((seconds ?? 0) - Date.now() / 1000) < 5);
  t.ok((nanoseconds ?? -1) >= 0 && (nanoseconds ?? 1e9) < 1e9);
  t.equal(native.isTerminal(native.open('/dev/null', 0, 0)), 0);
});

t.test('a pidfd waits for and signals one process', async (t) => {
  const child = spawn('sleep', ['100']);
  const pidfd = native.pidfdOpen(child.pid ?? 0);
  t.ok(pidfd >= 0);
  t.equal(native.pidfdWait(pidfd, 10), 0);
  t.equal(native.pidfdSignal(pidfd, 9), 0);
  t.equal(native.pidfdWait(pidfd, 5000), 1);
  await new Promise((resolve) => child.on('close', resolve));
  t.equal(native.pidfdSignal(pidfd, 9), -ESRCH);
  t.equal(native.close(pidfd), 0);
});

t.test('signalProcess refuses the pids that mean more than one process', async (t) => {
  t.equal(native.signalProcess(0, 0), -EINVAL);
  t.equal(native.signalProcess(-1, 0), -EINVAL);
  t.equal(native.signalProcess(process.pid, 0), 0);
});
