import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../../harness/config.ts';
import { MACHINES, elfWithLoader } from '../../harness/elf.ts';
import type { Bundle } from '../../harness/sandbox.ts';
import { mount, program } from '../trigger.ts';
import type { Trigger } from '../trigger.ts';

const place = '/process/args/0';
const glibc = '/lib64/ld-linux-x86-64.so.2';

function args(...words: string[]) {
  return (config: TestConfig): void => {
    config.process.args = words;
  };
}

function asUser(make: (config: TestConfig, bundle: Bundle) => void) {
  return (config: TestConfig, bundle: Bundle): void => {
    config.process.user = { uid: 1000, gid: 1000 };
    make(config, bundle);
  };
}

/** A script as /bin/app, whose interpreter is made by `make`. */
function script(make: (path: string) => void) {
  return (config: TestConfig, bundle: Bundle): void => {
    program('#!/bin/interp\n')(config, bundle);
    make(join(bundle.rootfs, 'bin/interp'));
  };
}

export const programs: readonly Trigger[] = [
  {
    what: 'loader missing',
    make: program(elfWithLoader(glibc)),
    says: [/ld-linux-x86-64\.so\.2/, /no such file/i],
    place,
    hint: /C library|static/,
  },
  {
    what: 'loader of another C library is there',
    make: (config, bundle) => {
      program(elfWithLoader('/lib/ld-musl-x86_64.so.1'))(config, bundle);
      mkdirSync(join(bundle.rootfs, 'lib64'));
      writeFileSync(join(bundle.rootfs, glibc), 'x', { mode: 0o755 });
    },
    says: [/ld-musl-x86_64\.so\.1/, /\/lib64\/ld-linux-x86-64\.so\.2/],
    place,
    hint: /C library|static/,
  },
  {
    what: 'script with CRLF',
    make: program('#!/bin/sh\r\necho\r\n'),
    says: [/\/bin\/sh/, /\\r|windows/i],
    place,
    hint: /dos2unix/,
  },
  {
    what: 'interpreter missing',
    make: program('#!/usr/bin/python3\n'),
    says: [/\/usr\/bin\/python3/, /missing|no such file/],
    place,
  },
  {
    what: 'arm64 program',
    make: program(elfWithLoader('/x', MACHINES.aarch64)),
    says: [/aarch64|arm64/, /x86_64/],
    place,
    hint: /architecture/,
  },
  { what: 'text without #!', make: program('echo hello\n'), says: [/exec format error/i, /#!/], place, hint: /#!/ },
  { what: 'empty file', make: program(''), says: [/exec format error/i, /empty/], place },
  {
    what: 'truncated program',
    make: program(elfWithLoader(glibc).subarray(0, 100)),
    says: [/damaged|truncated|incomplete|ends/],
    never: /for the architecture/,
    place,
  },
  { what: 'not in PATH', make: args('bash'), says: [/"?`?bash"?`?.* not found in \$PATH/, /\$PATH: \/bin/], place },
  {
    what: 'not in PATH, two letters exchanged',
    make: args('slepe'),
    says: [/slepe.* not found in \$PATH/, /\bsleep\b/],
    place,
  },
  { what: 'no x bit', make: program('#!/bin/sh\n', 0o644), says: [/\/bin\/app/, /0644|not executable/], place },
  {
    what: 'a folder on the way may not be entered',
    make: asUser((config, bundle) => {
      mkdirSync(join(bundle.rootfs, 'opt/app/bin'), { recursive: true });
      program('#!/bin/sh\n', 0o755, '/opt/app/bin/app')(config, bundle);
      chmodSync(join(bundle.rootfs, 'opt/app'), 0o700);
    }),
    says: [/permission denied/i, /"?\/opt\/app"? \(.*0700/, /1000/],
    place,
  },
  { what: 'a directory', make: args('/bin'), says: [/is a directory|not a regular file/], place },
  {
    what: 'absolute, missing',
    make: args('/usr/local/bin/server'),
    says: [/\/usr\/local\/bin\/server/, /no such file|not found/],
    place,
  },
  {
    what: 'absolute, missing, near match',
    make: args('/bin/slep'),
    says: [/\/bin\/slep/, /\/bin\/sleep/],
    place,
  },
  {
    what: 'a parent is a file',
    make: args('/bin/probe/x'),
    says: [/not a directory/i, /\/bin\/probe"? (is|\()/],
    place,
  },
  {
    what: 'on a noexec mount',
    make: (config, bundle) => {
      writeFileSync(join(bundle.dir, 'app'), '#!/bin/sh\n', { mode: 0o755 });
      mount('/opt', 'bind', bundle.dir, 'rbind', 'noexec')(config);
      config.process.args = ['/opt/app'];
    },
    says: [/permission denied/i, /noexec/, /\/opt/],
    place,
  },
  {
    what: 'a loop of links',
    make: (config, bundle) => (symlinkSync('app', join(bundle.rootfs, 'bin/app')), args('/bin/app')(config)),
    says: [/too many levels of symbolic links/i],
    place,
  },
  {
    what: 'relative, working directory elsewhere',
    make: (config) => (args('./app')(config), (config.process.cwd = '/tmp')),
    says: [/\.\/app/, /\/tmp\/(\.\/)?app|"\/tmp"/],
    place,
  },
  {
    what: '0700 of root, user 1000',
    make: asUser(program('#!/bin/sh\n', 0o700)),
    says: [/permission denied/i, /0700/, /1000/],
    place,
  },
  {
    what: 'dangling link',
    make: (config, bundle) => {
      symlinkSync('/opt/app/bin/app', join(bundle.rootfs, 'bin/app'));
      args('/bin/app')(config);
    },
    says: [/no such file|not found/, /\/opt\/app\/bin\/app/],
    place,
  },
  {
    what: 'interpreter without x bit',
    make: script((path) => writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 })),
    says: [/\/bin\/interp/, /0644|not executable/],
    place,
  },
  {
    what: 'interpreter whose loader is missing',
    make: script((path) => writeFileSync(path, elfWithLoader(glibc), { mode: 0o755 })),
    says: [/\/bin\/interp/, /ld-linux-x86-64\.so\.2/],
    never: /interpreter "\/bin\/interp" is missing/,
    place,
  },
  {
    what: 'interpreter is a script whose interpreter is missing',
    make: script((path) => writeFileSync(path, '#!/bin/nosuch\n', { mode: 0o755 })),
    says: [/\/bin\/interp/, /\/bin\/nosuch/],
    place,
  },
  {
    what: 'interpreter is a directory',
    make: script((path) => mkdirSync(path)),
    says: [/\/bin\/interp/, /directory/],
    place,
  },
  {
    what: 'argument too long',
    make: args('/bin/true', 'x'.repeat(200_000)),
    says: [/argument list too long|E2BIG/i, /args\[1\]/, /131072|128 KiB/],
    place: '/process/args/1',
  },
  {
    what: 'args missing',
    make: (config) => delete (config.process as { args?: unknown }).args,
    says: [/args must not be empty|process\.args/],
  },
  { what: 'args[0] empty', make: args(''), says: [/empty/], place },
  {
    what: 'no PATH in env',
    make: (config) => (args('true')(config), (config.process.env = [])),
    says: [/PATH/, /no PATH|without PATH|PATH is not set/],
    place,
  },
  {
    what: 'words in one string',
    make: args('sleep 10'),
    says: [/not found/, /separate|own element|"sleep", "10"/],
    place,
  },
  {
    what: 'env without =',
    make: (config) => config.process.env?.push('FOO'),
    says: [/missing '='/],
    place: '/process/env/1',
  },
  { what: 'NUL in an argument', make: args('/bin/echo', 'a\0b'), says: [/NUL/], place: '/process/args/1' },
  {
    what: 'create and start: loader missing',
    make: program(elfWithLoader(glibc)),
    call: { state: 'created', words: ['start', 'ID'] },
    says: [/ld-linux-x86-64\.so\.2/],
    place,
    hint: /C library|static/,
  },
  {
    what: 'create and start: interpreter missing',
    make: program('#!/usr/bin/python3\n'),
    call: { state: 'created', words: ['start', 'ID'] },
    says: [/\/usr\/bin\/python3/],
    place,
  },
];

const entered = (...words: string[]) => ({ state: 'running', words: ['exec', ...words] }) as const;

function file(content: string | Buffer, mode = 0o755) {
  return (_: TestConfig, bundle: Bundle): void => writeFileSync(join(bundle.rootfs, 'bin/app'), content, { mode });
}

export const execs: readonly Trigger[] = [
  {
    what: 'exec: absolute, missing',
    call: entered('ID', '/usr/bin/nosuch'),
    says: [/\/usr\/bin\/nosuch/, /no such file|not found/],
  },
  { what: 'exec: not in PATH', call: entered('ID', 'slep'), says: [/slep.* not found in \$PATH/, /\bsleep\b/] },
  {
    what: 'exec: no x bit',
    make: file('#!/bin/sh\n', 0o644),
    call: entered('ID', '/bin/app'),
    says: [/\/bin\/app/, /0644|not executable/],
  },
  {
    what: 'exec: loader missing',
    make: file(elfWithLoader(glibc)),
    call: entered('ID', '/bin/app'),
    says: [/ld-linux-x86-64\.so\.2/],
    hint: /C library|static/,
  },
  {
    what: 'exec -d: loader missing',
    make: file(elfWithLoader(glibc)),
    call: entered('-d', 'ID', '/bin/app'),
    says: [/ld-linux-x86-64\.so\.2/],
    hint: /C library|static/,
  },
  {
    what: 'exec: CRLF',
    make: file('#!/bin/sh\r\n'),
    call: entered('ID', '/bin/app'),
    says: [/\\r|windows/i],
    hint: /dos2unix/,
  },
  {
    what: 'exec --cwd missing',
    call: entered('--cwd', '/nowhere', 'ID', 'true'),
    says: [/\/nowhere/, /--cwd/, /no such file/i],
    never: /config\.json:/,
  },
  { what: 'exec --cwd relative', call: entered('--cwd', 'tmp', 'ID', 'true'), says: [/absolute/, /--cwd|Cwd/] },
  {
    what: 'exec --cap misspelt',
    call: entered('--cap', 'CAP_SYSADMIN', 'ID', 'true'),
    says: [/CAP_SYSADMIN/, /--cap/, /CAP_SYS_ADMIN/],
  },
  {
    what: 'exec --cap without CAP_',
    call: entered('--cap', 'sys_admin', 'ID', 'true'),
    says: [/sys_admin/, /--cap/, /CAP_SYS_ADMIN/],
  },
  { what: 'exec: option after the id', call: entered('ID', '-t', 'sh'), says: [/"?`?-t/, /before/] },
  {
    what: 'exec -t -d without a console socket',
    call: entered('-t', '-d', 'ID', 'sh'),
    says: [/console.socket/i],
    hint: /--console-socket/,
  },
  {
    what: 'exec -t without a terminal',
    call: entered('-t', 'ID', 'sh'),
    says: [/tty|terminal/],
    never: /process\.terminal/,
  },
  {
    what: 'exec --console-socket without -t',
    call: entered('--console-socket', '/nosuch', 'ID', 'sh'),
    says: [/console socket/, /tty|terminal/],
    never: /process\.terminal/,
  },
  {
    what: 'exec -p missing',
    call: entered('-p', '/nonexist.json', 'ID'),
    says: [/\/nonexist\.json/, /not found|no such file/i],
    never: /rt spec/,
  },
  {
    what: 'exec -p of a whole config',
    call: entered('-p', 'DIR/config.json', 'ID'),
    says: [/whole config|is a config|not a process|args must not|cwd/i],
  },
  {
    what: 'exec in a stopped container',
    call: { state: 'stopped', words: ['exec', 'ID', 'true'] },
    says: [/stopped|not running/],
  },
  { what: 'exec in a paused container', call: { state: 'paused', words: ['exec', 'ID', 'true'] }, says: [/paused/] },
  { what: 'exec --env without =', call: entered('--env', 'FOO', 'ID', 'env'), says: [/missing '='/, /--env/, /FOO/] },
  {
    what: 'exec --cgroup of a missing cgroup',
    call: entered('--cgroup', 'sub', 'ID', 'true'),
    says: [/sub/, /no such file|does not exist/],
    hint: /./,
  },
  {
    what: 'exec at the pids limit',
    make: (config) => (config.linux.resources['pids'] = { limit: 1 }),
    call: entered('ID', 'true'),
    says: [/pids\.limit/],
    mayWork: true,
  },
  { what: 'exec -g text', call: entered('-g', 'wheel', 'ID', 'true'), says: [/wheel/, /gid|-g/], hint: /number/ },
  {
    what: 'exec -u name',
    call: entered('-u', 'www-data', 'ID', 'true'),
    says: [/www-data/, /uid|user/],
    hint: /number/,
  },
  {
    what: 'exec --apparmor without AppArmor',
    call: entered('--apparmor', 'docker-default', 'ID', 'true'),
    says: [/docker-default/, /apparmor/i, /--apparmor/],
  },
];
