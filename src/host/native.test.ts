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
import type { Test } from 'tap';
import { startQuickjs } from '../../native/test/quickjs.ts';
import type { Native } from './native.ts';
import { loadNative } from './node.ts';
import * as flags from '../kernel/open-flags.ts';
import { O_CREAT, O_EXCL, O_WRONLY } from '../kernel/open-flags.ts';
import { SIGKILL } from '../kernel/signals.ts';

const { EFBIG, EINVAL, EISDIR, EEXIST, ELOOP, ENOENT, ENOTDIR, EOPNOTSUPP, ESRCH } = constants.errno;

process.env['RT_NATIVE_TEST'] = 'set';
const quickjs = startQuickjs();
t.teardown(quickjs.close);
t.test('Node', async (t) => testBinding(t, loadNative(), process.pid));
t.test('QuickJS', async (t) => testBinding(t, quickjs.native, quickjs.pid));

/** `pid`: that of the calling process. */
function testBinding(t: Test, native: Native, pid: number): void {
  const directory = mkdtempSync('/tmp/rt-native-');
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });

  t.test('readText and readBytes return the whole file, or an errno', async (t) => {
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

  t.test('readOnce returns what one read does', async (t) => {
    t.match(native.readOnce('/proc/self/status', 64), /^Name:/);
    t.equal(native.readOnce('/dev/zero', 3), '\0\0\0');
    t.equal(native.readOnce(directory, 5), -EISDIR);
    t.equal(native.readOnce(`${directory}/none`, 5), -ENOENT);
  });

  t.test('processStat finds the fields behind the name of the program', async (t) => {
    const child = spawn('/bin/sleep', ['100'], { argv0: 'sleep' });
    const number = child.pid ?? 0;
    const stat = (): string[] => {
      const text = String(native.readText(`/proc/${number}/stat`, 4096));
      return text.slice(text.lastIndexOf(')') + 2).split(' ');
    };
    // The kernel changes the flags of a process that runs (PF_MEMALLOC_NOFS, say): a stopped one keeps them.
    child.kill('SIGSTOP');
    while (stat()[0] !== 'T') continue;
    const fields = stat();
    const found = native.processStat(number);
    child.kill('SIGKILL');
    t.same(found, ['T'.charCodeAt(0), Number(fields[6]), Number(fields[19])]);
    t.equal(native.processStat(4_194_304), -ENOENT);
  });

  t.test('localTime is that of the time zone', async (t) => {
    const found = native.localTime(1_700_000_000);
    const date = new Date(1_700_000_000_000);
    const parts = [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes()];
    t.same(found, parts);
  });

  t.test('matchAt compares a file with a pattern and returns the values in it', async (t) => {
    const opened = native.open(directory, flags.O_PATH | flags.O_DIRECTORY, 0);
    const match = (text: string, pattern: string, max = 100): string | number => {
      writeFileSync(`${directory}/matched`, text);
      const bytes = new TextEncoder().encode(pattern);
      return native.matchAt(opened, 'matched', max, bytes.buffer);
    };
    t.equal(match('{"a":"b c","n":10,"p":"/x/b c"}', '{"a":"\n","n":\n,"p":"/x\n"}'), 'b c\x0010\x00/b c\0');
    t.equal(match('["/x/c","/y/c","/z/c"]', '["/x\n","/y\t","/z\t"]'), '/c\0');
    t.equal(match('{"a":""}', '{"a":"\n"}'), '\0');
    t.equal(match('{"a":0}', '{"a":\n}'), '0\0');
    for (const [text, pattern] of [
      ['["/x/c","/y/d"]', '["/x\n","/y\t"]'],
      ['{"a":""} ', '{"a":"\n"}'],
      ['{"a":"', '{"a":"\n"}'],
      ['{"a":"a\\"}', '{"a":"\n"}'],
      ['{"a":"é"}', '{"a":"\n"}'],
      ['{"a":"\n"}', '{"a":"\n"}'],
      ['{"a":"\t"}', '{"a":"\n"}'],
      ['{"a":\n}', '{"a":\n}'],
      ['{"a":01}', '{"a":\n}'],
      ['{"a":-1}', '{"a":\n}'],
      ['{"a":1.5}', '{"a":\n}'],
      ['{"a":1234567890123456}', '{"a":\n}'],
      ['{"a":1', '{"a":\n}'],
      ['', ''],
      ['{"abcdefgh":1}', '{"abcdefgi":\n}'],
      [`${'x'.repeat(99)}y`, `${'x'.repeat(99)}y`],
    ] as const) {
      t.ok(Number(match(text, pattern)) < 0, JSON.stringify(text));
    }
    t.equal(match('x'.repeat(99), 'x'.repeat(99)), '', 'nothing but the common part');
    t.equal(native.matchAt(opened, 'none', 100, new ArrayBuffer(0)), -ENOENT);
    symlinkSync('matched', `${directory}/matched-link`);
    t.equal(native.matchAt(opened, 'matched-link', 100, new ArrayBuffer(0)), -ELOOP);
    native.close(opened);
  });

  t.test('isPrintable is for ASCII, and on demand for lines', async (t) => {
    t.equal(native.isPrintable('', 0), 1);
    t.equal(native.isPrintable(' ~', 0), 1);
    t.equal(native.isPrintable('a\n\tb', 0), 0);
    t.equal(native.isPrintable('a\n\tb', 1), 1);
    for (const text of ['\u001b', '\r', '\u007f', 'é', '\u202e']) t.equal(native.isPrintable(text, 1), 0);
  });

  t.test('writeText honours flags and mode', async (t) => {
    const path = `${directory}/written`;
    t.equal(native.writeText(path, 'one', O_WRONLY | O_CREAT | O_EXCL, 0o600), 0);
    t.equal(native.readText(path, 10), 'one');
    t.equal(statSync(path).mode & 0o777, 0o600);
    t.equal(native.writeText(path, 'two', O_WRONLY | O_CREAT | O_EXCL, 0o600), -EEXIST);
  });

  t.test('open has each flag as this machine has it, and refuses one that it does not know', async (t) => {
    const path = `${directory}/flags`;
    writeFileSync(path, 'text');
    // Flags that only open(2) uses and the file does not keep.
    const dropped = new Set(['O_CREAT', 'O_EXCL', 'O_NOCTTY', 'O_TRUNC']);
    const machine: Record<string, number> = { ...fileConstants, O_PATH: flags.O_PATH };
    for (const [name, flag] of Object.entries(flags)) {
      if (dropped.has(name)) continue;
      const descriptor = native.open(name === 'O_DIRECTORY' ? directory : path, flag, 0);
      const text = native.readText(`/proc/self/fdinfo/${descriptor}`, 4096);
      const found = parseInt(/^flags:\s*(\d+)$/m.exec(String(text))?.[1] ?? '', 8);
      const expected = machine[name] ?? NaN;
      t.equal(found & (expected | 3), expected, name);
      native.close(descriptor);
    }
    symlinkSync(path, `${directory}/flags-link`);
    t.equal(native.open(`${directory}/flags-link`, flags.O_WRONLY | flags.O_NOFOLLOW, 0), -ELOOP);
    t.equal(native.open(path, flags.O_DIRECTORY, 0), -ENOTDIR);
    const unknown = 1 << 14; // O_DIRECT of asm-generic/fcntl.h
    t.equal(native.open(path, unknown, 0), -EINVAL);
    t.equal(native.writeText(path, '', O_WRONLY | unknown, 0), -EINVAL);
    t.equal(native.open(path, -1, 0), -EINVAL);
    t.equal(native.readText(path, 10), 'text');
    t.equal(native.writeText(path, '', O_WRONLY | flags.O_TRUNC, 0), 0);
    t.equal(native.readText(path, 10), '');
  });

  t.test('a NUL in a path is an error, not the end of the path', async (t) => {
    t.equal(native.readText(`${directory}/text\0.json`, 100), -EINVAL);
    t.equal(native.rmdir('\0'), -EINVAL);
  });

  t.test('an argument of another type throws, and is not made into one that fits', async (t) => {
    const call = native as unknown as Record<string, (...args: unknown[]) => unknown>;
    const integers = ['1', '', true, null, undefined, 1n, [1], 1.5, NaN, Infinity, 2 ** 32];
    for (const value of integers) t.throws(() => call.close?.(value), TypeError, `close(${String(value)})`);
    for (const value of [1, true, null, undefined, ['/none']]) {
      t.throws(() => call.rmdir?.(value), TypeError, `rmdir(${String(value)})`);
    }
    t.throws(() => call.mkdir?.(`${directory}/octal`, '0700'), TypeError);
    for (const value of ['', 1, [], null, undefined]) {
      t.throws(() => call.poll?.(value, 0), TypeError, `poll(${String(value)})`);
    }
    for (const value of ['ls', new ArrayBuffer(0), null, undefined, [1], [undefined]]) {
      t.throws(() => call.capture?.(value, 10), TypeError, `capture(${typeof value})`);
    }
    for (const value of [
      '1',
      new ArrayBuffer(4),
      undefined,
      [true],
      [null],
      [[1]],
      [1.5],
      [2 ** 32],
      [-(2 ** 31) - 1],
    ]) {
      t.throws(() => call.runProgram?.(value), TypeError, `runProgram(${typeof value})`);
    }
    t.equal(statSync(directory).nlink, 2, 'nothing was made');
  });

  t.test('an error of an argument names the function and the place', async (t) => {
    const call = native as unknown as Record<string, (...args: unknown[]) => unknown>;
    t.throws(() => call.mkdir?.('/', '0700'), { message: 'mkdir wants an integer as argument 2' });
    t.throws(() => call.mkdir?.('/'), { message: 'mkdir wants 2 arguments' });
  });

  t.test('one argument too many or too few throws', async (t) => {
    const call = native as unknown as Record<string, (...args: unknown[]) => unknown>;
    t.throws(() => call.processId?.(1), TypeError);
    t.throws(() => call.close?.(), TypeError);
    t.throws(() => call.close?.(999, 0), TypeError);
    t.throws(() => call.readText?.('/dev/null'), TypeError);
  });

  t.test('an empty array, an empty buffer and the extremes of numbers are right', async (t) => {
    t.equal(native.poll(new ArrayBuffer(0), 0), -constants.errno.ETIMEDOUT);
    t.type(native.capture([], 0), 'number');
    t.type(native.runProgram([2 ** 32 - 1, -(2 ** 31), '', new ArrayBuffer(0)]), 'number');
    t.equal(native.close(-(2 ** 31)), -constants.errno.EBADF);
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

  t.test('stat follows a link only on request', async (t) => {
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
    t.equal(native.chmod(`${directory}/link`, 0o600), -EOPNOTSUPP, 'what a link leads to keeps its mode');
    t.equal(statSync(`${directory}/text`).mode & 0o777, 0o644);
  });

  t.test('hasAttribute of a file that has none, and of none', async (t) => {
    t.equal(native.hasAttribute('/proc/self/status', 'system.posix_acl_access'), 0);
    t.equal(native.hasAttribute('/nosuch', 'system.posix_acl_access'), -ENOENT);
  });

  t.test('fileSystemType is the f_type of statfs', async (t) => {
    t.equal(native.fileSystemType('/proc'), 0x9fa0);
  });

  t.test('process facts agree with those of Node', async (t) => {
    t.equal(native.processId(), pid);
    t.equal(native.effectiveUid(), process.geteuid?.());
    t.equal(native.getCwd(), process.cwd());
    t.equal(native.getEnv('RT_NATIVE_TEST'), 'set');
    t.equal(native.getEnv('RT_NATIVE_NONE'), -ENOENT);
    t.match(JSON.parse(native.configSchema()), { title: 'Config', properties: { process: Object } });
    t.match(native.kernel(), /^\d+\.\d+.*\0[a-z0-9_]+\0$/);
    const [seconds, nanoseconds] = native.realTime();
    t.ok(Math.abs((seconds ?? 0) - Date.now() / 1000) < 5);
    t.ok((nanoseconds ?? -1) >= 0 && (nanoseconds ?? 1e9) < 1e9);
    t.equal(native.isTerminal(native.open('/dev/null', 0, 0)), 0);
  });

  t.test('isStream: only a socket of which the end tells', async (t) => {
    for (const path of ['/dev/null', '/proc/self/status']) t.equal(native.isStream(native.open(path, 0, 0)), 0);
    t.equal(native.isStream(9999), 0);
  });

  t.test('a pidfd waits for and signals one process', async (t) => {
    const child = spawn('sleep', ['100']);
    const pidfd = native.pidfdOpen(child.pid ?? 0);
    t.ok(pidfd >= 0);
    t.equal(native.pidfdWait(pidfd, 10), 0);
    t.equal(native.pidfdSignal(pidfd, SIGKILL), 0);
    t.equal(native.pidfdWait(pidfd, 5000), 1);
    await new Promise((resolve) => child.on('close', resolve));
    t.equal(native.pidfdSignal(pidfd, SIGKILL), -ESRCH);
    t.equal(native.close(pidfd), 0);
  });

  t.test('signalProcess refuses pids that mean more than one process', async (t) => {
    t.equal(native.signalProcess(0, 0), -EINVAL);
    t.equal(native.signalProcess(-1, 0), -EINVAL);
    t.equal(native.signalProcess(process.pid, 0), 0);
  });

  t.test('capture reads up to its limit, and not a byte more', async (t) => {
    const zeros = (count: number): string[] => ['head', '-c', String(count), '/dev/zero'];
    t.equal(String(native.capture(zeros(70_000), 70_000)).length, 70_000);
    t.equal(native.capture(zeros(70_000), 69_999), -EFBIG);
    t.equal(native.capture(zeros(5), 4), -EFBIG);
    t.equal(native.capture(zeros(0), 0), '');
  });
}
