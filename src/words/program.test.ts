import t from 'tap';
import { EM_AARCH64, EM_X86_64 } from '../kernel/elf.ts';
import { EACCES, ENOENT, ENOEXEC } from '../kernel/errno.ts';
import {
  causeOf,
  explainDestination,
  explainLookup,
  explainOverlay,
  explainProgram,
  foreseeProgram,
  isStaticProgram,
} from './program.ts';
import type { PlannedOp } from '../plan/types.ts';
import type { File, Look, Sight } from '../diag/look.ts';

function record(errno: number, path: string, head: number[] | string): Parameters<typeof explainProgram>[0] {
  const tail = typeof head === 'string' ? Array.from(head, (character) => character.charCodeAt(0)) : head;
  const bytes = Array.from(path, (character) => character.charCodeAt(0));
  return { errno, call: 'execve', detail: new Uint8Array([...bytes, 0, ...tail]) };
}

/** The head of a 64-bit ELF program for `machine` with one program header, PT_INTERP; its path is at 120 or `offset`. */
function elf(machine: number, interpreter: string, offset = 120): number[] {
  const head = new Array<number>(64 + 56).fill(0);
  head.splice(0, 6, 0x7f, 0x45, 0x4c, 0x46, 2, 1);
  head[18] = machine;
  head[32] = 64;
  head[54] = 56;
  head[56] = 1;
  head[64] = 3;
  head[64 + 8] = offset & 0xff;
  head[64 + 9] = offset >> 8;
  head[64 + 32] = interpreter.length + 1;
  return [...head, ...Array.from(interpreter, (character) => character.charCodeAt(0)), 0];
}

/** As a character for each byte. */
function elfText(...members: Parameters<typeof elf>): string {
  return String.fromCharCode(...elf(...members));
}

t.test('explainProgram: a missing loader is named', async (t) => {
  t.match(explainProgram(record(ENOENT, '/app', elf(EM_X86_64, '/lib64/ld.so'))), {
    message: 'exec /app: no such file or directory: it needs the loader /lib64/ld.so, which is not in the container',
  });
});

t.test('explainProgram: a program for another machine', async (t) => {
  t.match(explainProgram(record(ENOEXEC, '/app', elf(EM_AARCH64, ''))).message, 'exec /app: exec format error');
  t.match(explainProgram(record(ENOEXEC, '/app', elf(EM_AARCH64, ''))).message, 'aarch64');
});

t.test('isStaticProgram: a program without a loader', async (t) => {
  const head = elf(EM_X86_64, '/lib/ld.so');
  t.equal(isStaticProgram(Uint8Array.from(head)), false);
  t.equal(isStaticProgram(Uint8Array.from(head.with(64, 1))), true, 'a path that no header is for');
  t.equal(isStaticProgram(Uint8Array.from(elf(EM_X86_64, '', 4068))), false, 'its path is not in the head, as of Go');
  t.equal(isStaticProgram(bytes('#!/bin/sh\n')), false);
  t.equal(isStaticProgram(undefined), false);
});

t.test('explainProgram: scripts', async (t) => {
  t.match(explainProgram(record(ENOENT, '/s', '#!/bin/nosuch -x\n')).message, '"/bin/nosuch" is missing');
  t.match(explainProgram(record(ENOENT, '/s', '#!/bin/sh\r\n')), { hint: /Windows line endings/ });
  t.match(explainProgram(record(ENOEXEC, '/s', 'echo hello\n')), { message: /neither an ELF program nor a script/ });
  t.match(explainProgram(record(ENOEXEC, '/s', '')).message, 'the file is empty');
});

const plainFile: File = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  head: undefined,
  noexec: undefined,
  executable: true,
  names: [],
};

/** `head`: a character for each byte. */
type SomeFile = Partial<Omit<File, 'head'>> & { readonly head?: string };

function bytes(characters: string): Uint8Array {
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}

function fileOf({ head, ...members }: SomeFile): File {
  return { ...plainFile, ...members, head: head === undefined ? undefined : bytes(head) };
}

/** A look at these files; all else is missing. */
function look(files: Readonly<Record<string, SomeFile | Sight>>): Look {
  const made: Look = {
    isHost: false,
    at: (name, from = '/') => {
      const path = name.startsWith('/') ? name : `${from === '/' ? '' : from}/${name}`;
      const found = files[path];
      if (found === undefined) return { kind: 'missing', path };
      return 'kind' in found ? found : { kind: 'file', path, file: fileOf(found) };
    },
    user: () => '1000:1000',
    machine: () => 'x86_64',
    isInterpreted: (path) => path.endsWith('.emulated'),
    outside: () => made,
    into: () => ({ ...made, mount: (destination) => made.at(destination) }),
  };
  return made;
}

t.test('explainProgram: interpreters are looked at one after the other', async (t) => {
  const of = (errno: number, files: Parameters<typeof look>[0], head = '#!/bin/i -x\n'): string =>
    explainProgram(record(errno, '/s', head), undefined, look(files)).message.replace(/^exec \/s: [^:]*: /, '');
  t.equal(of(ENOENT, {}), 'its interpreter "/bin/i" is missing in the container');
  t.equal(
    of(EACCES, { '/bin/i': { mode: 0o644, executable: false } }),
    'its interpreter "/bin/i": "/bin/i" (0644, owner 0:0) is not executable',
  );
  t.equal(
    of(ENOENT, { '/bin/i': { head: elfText(EM_X86_64, '/lib/ld.so') } }),
    'its interpreter "/bin/i" needs the loader /lib/ld.so, which is not in the container',
  );
  t.equal(
    of(ENOENT, { "/b$'": { head: elfText(EM_X86_64, '/lib/ld.so') } }, "#!/b$'\n"),
    `its interpreter "/b$'" needs the loader /lib/ld.so, which is not in the container`,
  );
  t.equal(
    of(ENOENT, { '/bin/i': { head: '#! /bin/j\n' } }),
    'its interpreter "/bin/i" is a script, whose interpreter "/bin/j" is missing in the container',
  );
  t.equal(
    of(EACCES, { '/bin/i': { head: '#!/bin/i\n' } }).split('is a script').length,
    5,
    'as many as the kernel follows',
  );
});

t.test('explainProgram: machine and C library', async (t) => {
  const musl = { '/lib/ld-musl-x86_64.so.1': {} };
  t.match(
    explainProgram(record(ENOENT, '/app', elf(EM_X86_64, '/lib64/ld.so')), undefined, look(musl)).message,
    'of another C library',
  );
  t.match(
    explainProgram(record(ENOEXEC, '/app', elf(EM_AARCH64, '')), undefined, look({})).message,
    /aarch64, this host is x86_64$/,
  );
  const damaged = explainProgram(record(ENOEXEC, '/app', elf(EM_X86_64, '')), undefined, look({}));
  t.match(damaged, { message: /damaged or incomplete$/ });
  t.notOk(damaged.hint, 'no hint at another architecture');
});

t.test('a missing interpreter: which one the image has, or what to install', async (t) => {
  const of = (line: string, files: Parameters<typeof look>[0]): string | undefined =>
    explainProgram(record(ENOENT, '/s', `${line}\n`), undefined, look(files)).hint;
  const image = { '/bin/sh': {}, '/usr/local/bin/python3': {} };
  t.equal(of('#!/bin/bash -e', image), 'install bash in the image, or begin the script with #!/bin/sh');
  t.equal(of('#!/bin/bash', {}), 'install bash in the image');
  t.equal(of('#!/usr/bin/python3', image), 'begin the script with #!/usr/local/bin/python3');
  t.equal(of('#!/usr/bin/env python3', image), 'begin the script with #!/usr/local/bin/python3');
  t.equal(of('#!/usr/bin/env -S perl -w', image), 'install perl in the image');
  const env = { '/usr/bin/env': { head: '\x7fELF\x02' }, '/s': { head: '#!/usr/bin/env python3\n' } };
  const foreseen = (files: Parameters<typeof look>[0]): object | undefined =>
    foreseeProgram({ name: '/s', search: '/bin:/opt' }, look({ ...env, ...files }), '/');
  t.match(foreseen(image), {
    words: 'the program "/s" cannot be executed: its interpreter "python3" is in no directory of PATH',
    hint: 'begin the script with #!/usr/local/bin/python3',
  });
  t.equal(foreseen({ '/opt/python3': {} }), undefined);
  t.equal(foreseen({ '/opt/python3': { kind: 'unknown' } }), undefined);
  const loop: Sight = { kind: 'loop', path: '/s' };
  const round = /^the program ".*: "\/s" is a link that leads back to itself/;
  t.match(foreseen({ '/s': loop }), { words: round });
  t.match(foreseeProgram({ name: 's', search: '/bin:/opt' }, look({ '/opt/s': loop }), '/'), { words: round });
  t.equal(foreseeProgram({ name: 's', search: '/bin:/opt' }, look({ '/bin/s': loop, '/opt/s': {} }), '/'), undefined);
});

t.test('causeOf: a hook runs on the host', async (t) => {
  const of = (isHost: boolean, files: Parameters<typeof look>[0]): unknown =>
    causeOf({ ...look(files), isHost }, '/s', ENOENT);
  const script = { '/s': { head: '#!/bin/nosuch\n' } };
  t.match(of(true, script), { words: /"\/bin\/nosuch" is missing on the host$/, hint: 'install nosuch on the host' });
  t.match(of(false, script), { words: /is missing in the container$/, hint: 'install nosuch in the image' });
  t.match(of(true, { '/s': { head: elfText(EM_X86_64, '/lib/ld.so') } }), { words: /, which is not on the host$/ });
});

t.test('explainLookup names what denies', async (t) => {
  const plain = { code: 'op.find_program', message: 'exec: "x": permission denied' } as const;
  const of = (name: string, files: Parameters<typeof look>[0], search = '/bin'): { message: string; hint?: string } =>
    explainLookup({ name, search }, plain, look(files), '/tmp');
  const directory = (path: string, file: Partial<File>): Sight => ({
    kind: 'directory',
    path,
    file: { ...plainFile, ...file },
  });
  const closed: Sight = { kind: 'closed', path: '/opt', file: { ...plainFile, mode: 0o700 } };
  t.match(of('/opt/x', { '/opt/x': closed }), {
    message: 'exec: "x": permission denied: "/opt" (0700, owner 0:0) may not be entered by user 1000:1000',
    hint: /chmod o\+x "\/opt"/,
  });
  t.match(of('/x', { '/x': { noexec: '/' } }).message, /: the mount on "\/" is noexec$/);
  t.match(
    of('/x', { '/x': { kind: 'missing', path: '/y', link: ['/x', 'y'] } }).message,
    '"/x" is a link to "y", which does not',
  );
  t.match(of('/bin/slep', { '/bin': directory('/bin', { names: ['sleep'] }) }), { hint: 'did you mean /bin/sleep?' });
  const merged = {
    '/bin/slep': { kind: 'missing', path: '/usr/bin/slep', written: '/bin/slep' },
    '/usr/bin': directory('/usr/bin', { names: ['sleep'] }),
  } as const;
  t.match(of('/bin/slep', merged), { message: plain.message, hint: 'did you mean /bin/sleep?' }, 'as the path has it');
  t.match(of('slep', { '/bin': directory('/bin', { names: ['sleep'] }) }), { hint: 'did you mean sleep?' });
  t.match(
    of('x', { '/bin/x': { mode: 0o644, executable: false } }).message,
    '"/bin/x" (0644, owner 0:0) is not executable',
  );
  t.match(of('sleep', { '/usr/bin/sleep': {} }), { hint: 'write the whole path, /usr/bin/sleep' });
  t.match(of('sleep 10', {}), { hint: 'give each word its own element: "sleep", "10"' });
  t.match(of('./x', {}).message, 'the path is relative to process.cwd, "/tmp"');
  t.match(of('x', { '/bin/x': { mode: 0o644, executable: false } }, 'bin:').message, /denied$/, 'it is in another bin');
  t.strictSame(of('x', { '/bin/x': {} }), plain, 'nothing is said without evidence');
});

t.test('explainLookup names the mount that covers the place of a program', async (t) => {
  const plain = { code: 'op.find_program', message: 'exec: "x": stat x: no such file or directory' } as const;
  const mounts = ['/', '/proc', '/app', '/opt', '/app/data'];
  const of = (name: string, search = '/bin'): unknown => explainLookup({ name, search, mounts }, plain, look({}), '/');
  const hint = /^the mount on "\/app" covers what/;
  t.match(of('/app/x'), { message: plain.message, hint });
  t.match(of('/app/bin/x'), { hint });
  t.match(of('x', '/bin:/app/bin'), { hint });
  t.match(of('app/x'), { message: /relative to process.cwd/, hint });
  t.match(of('/bin/x'), { hint: undefined }, 'the root filesystem lacks it');
  t.match(of('/application'), { hint: undefined });
});

t.test('explainOverlay names the directory that is missing', async (t) => {
  const plain = { code: 'op.mount_filesystem', message: 'cannot mount overlay', errno: 'ENOENT' } as const;
  const there: Sight = { kind: 'directory', path: '/', file: plainFile };
  const files = { '/a:b': there, '/c': there, '/u:p': there };
  const of = (...options: string[]): string => explainOverlay({ options }, plain, look(files)).message;
  t.equal(of('lowerdir=/a\\:b:/c::/d', 'upperdir=/u'), 'cannot mount overlay: lowerdir "/d" does not exist');
  t.equal(of('lowerdir=/a\\:b:/c', 'upperdir=/u:p', 'workdir=/w'), 'cannot mount overlay: workdir "/w" does not exist');
  t.equal(of('lowerdir=/a\\:b:/c', 'upperdir=/u\\:p'), plain.message);
});

t.test('explainOverlay names the option that is not given', async (t) => {
  const plain = { code: 'op.mount_filesystem', message: 'cannot mount overlay', errno: 'EINVAL' } as const;
  const of = (...options: string[]): unknown => explainOverlay({ options }, plain, look({}));
  t.match(of('lowerdir=/a', 'upperdir=/u'), { message: /: workdir is not given$/, hint: /add workdir=/ });
  t.match(of('upperdir=/u', 'workdir=/w'), { message: /: lowerdir is not given$/, hint: /add lowerdir=/ });
  t.match(of('lowerdir=/a', 'upperdir=/u', 'workdir=/w'), { message: plain.message, hint: /must be different/ });
});

t.test('explainDestination: a directory that the root of a user namespace may not make', async (t) => {
  const plain = { code: 'op.mount_bind', message: 'cannot mount', errno: 'EACCES' } as const;
  const of = (destination: string, before: PlannedOp[] = []): unknown =>
    explainDestination(destination, plain, look({ '/there': {} }), '/b/rootfs', before);
  t.match(of('/srv'), { message: /^cannot mount: "\/srv" is missing, and root/, hint: /mkdir -p "\/b\/rootfs\/srv"/ });
  const linked: Sight = { kind: 'missing', path: '/usr/lib/a', written: '/lib/a' };
  const hint = (explainDestination('/lib/a/b/c', plain, look({ '/lib/a/b/c': linked }), '/r', []) as { hint?: string })
    .hint;
  t.match(hint, /mkdir -p "\/r\/usr\/lib\/a\/b\/c"/, 'all that is missing, where links lead');
  t.equal(of('/there'), plain);
  const mount: PlannedOp = { op: 'mount_bind', source: '/s', destination: '/vol' } as unknown as PlannedOp;
  t.equal(of('/vol/x', [mount]), plain, 'it is in another place of the host');
});

t.test('foreseeProgram: what is against a program that has yet to be started', async (t) => {
  const of = (name: string, files: Parameters<typeof look>[0], search = '/bin'): string | undefined =>
    foreseeProgram({ name, search }, look(files), '/tmp')?.words;
  const program = { head: elfText(EM_X86_64, '/lib/ld.so') };
  const whole = { '/bin/x': program, '/lib/ld.so': {} };
  t.equal(of('x', whole), undefined);
  t.equal(of('../bin/x', { '/tmp/../bin/x': program, '/lib/ld.so': {} }), undefined);
  t.match(
    of('x', { '/bin/x': program }),
    /^the program "\/bin\/x" cannot be executed: it needs the loader \/lib\/ld.so,/,
  );
  t.match(of('/nosuch', {}), /^the program "\/nosuch" cannot be executed: it is not in the container$/);
  t.match(of('x', {}), /^the program "x" is in no directory of PATH in the container: \/bin$/);
  t.match(foreseeProgram({ name: 'x', search: '/bin' }, look({}), '/'), { hint: undefined }, 'there is no such path');
  t.match(of('x', {}, ''), /^the program "x" is not found: process.env has no PATH$/);
  const arm = { head: program.head.replace('\x3e', '\x28') };
  t.match(of('/x', { '/x': arm }), /: the program is for arm, this host is x86_64$/);
  t.equal(of('/x.emulated', { '/x.emulated': arm }), undefined, 'binfmt_misc has an emulator');
  const aarch64 = { head: program.head.replace('\x3e', '\xb7') };
  t.match(of('/x', { '/x': aarch64 }), /: the program is for aarch64, this host is x86_64$/);
  const onArm = (files: Parameters<typeof look>[0]): Look => ({ ...look(files), machine: () => 'aarch64' });
  t.equal(foreseeProgram({ name: '/x', search: '' }, onArm({ '/x': aarch64, '/lib/ld.so': {} }), '/'), undefined);
  t.equal(foreseeProgram({ name: '/x', search: '' }, onArm({ '/x': arm, '/lib/ld.so': {} }), '/'), undefined);
  const big = program.head.replace('\x02\x01', '\x02\x02').replace('\x3e\0', '\0\x16');
  t.match(of('/x', { '/x': { head: big } }), /: the program is for s390x, this host is x86_64$/, 'big-endian');
  const other = program.head.replace('\x3e\0', '\x3e\x3e');
  t.match(of('/x', { '/x': { head: other } }), /: the program is for machine 15934, this host is x86_64$/);
  t.match(of('/s', { '/s': { head: '#!/caf\xc3\xa9\n' } }), /: its interpreter "\/café" is missing in the container$/);
  t.equal(of('/x', { '/x': {} }), undefined, 'cannot be read');
  t.equal(of('x', { '/a/x': { kind: 'unknown' } }, '/a:/bin'), undefined, 'it may be there');
  t.match(
    of('/s', { '/s': { head: '#!/bin/x\n' }, '/bin/x': program }),
    /: its interpreter "\/bin\/x" needs the loader/,
  );
  t.match(of('/s', { '/s': { head: '#!/i\n' }, '/i': { head: '' } }), /: its interpreter "\/i" is empty$/);
  const closed: Sight = { kind: 'closed', path: '/opt', file: { ...plainFile, mode: 0o700 } };
  t.match(
    of('x', { '/opt/x': closed }, '/opt:/bin'),
    /: \/opt:\/bin: "\/opt" \(0700, owner 0:0\) may not be entered by/,
  );
  t.equal(of('x', { '/opt/x': closed, ...whole }, '/opt:/bin'), undefined);
  const listed: Sight = { kind: 'directory', path: '/opt', file: { ...plainFile, mode: 0o700, names: ['x'] } };
  t.match(of('x', { '/opt/x': closed, '/opt': listed }, '/opt'), /"\/opt" .* may not be entered by/, 'x is not a typo');
});
