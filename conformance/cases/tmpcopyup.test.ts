import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { release } from 'node:os';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, grantCapabilities } from '../harness/config.ts';
import { guestProgram } from '../harness/guest.ts';
import type { Attempt, Names, Stat, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

/** A bundle with a tmpfs on /data, which the image fills. */
function withTmpfs(rt: Sandbox, options: string[]): Bundle {
  const bundle = rt.bundle((config) => {
    grantCapabilities(config, 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH');
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 't', options });
  });
  mkdirSync(join(bundle.rootfs, 'data'));
  return bundle;
}

forEachRuntime(
  'tmpcopyup: contents, types, modes and owners are copied, and the image is unchanged',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    const at = (name: string): string => join(bundle.rootfs, 'data', name);
    mkdirSync(at('dir/deep'), { recursive: true });
    chmodSync(at('dir'), 0o1750);
    chownSync(at('dir'), 11, 12);
    writeFileSync(at('dir/deep/file'), 'a'.repeat(100_000));
    writeFileSync(at('program'), 'x', { mode: 0o755 });
    chownSync(at('program'), 5, 6);
    chmodSync(at('program'), 0o4751);
    symlinkSync('dir/deep/file', at('link'));
    execFileSync('mkfifo', ['-m', '640', at('fifo')]);
    const [info, dir, file, program, link, text, made] = await rt.observeBundle<
      [Text, Stat, Stat, Stat, Stat, Text, Attempt]
    >(bundle, [
      ['read', '/proc/self/mountinfo'],
      ['stat', '/data/dir'],
      ['stat', '/data/dir/deep/file'],
      ['stat', '/data/program'],
      ['stat', '/data/link'],
      ['read', '/data/link'],
      ['create', '/data/new'],
    ]);
    t.equal(mountAt(parseMountinfo(info.text), '/data')?.type, 'tmpfs');
    t.match(dir, { type: 'directory', mode: 0o1750, uid: 11, gid: 12 });
    t.match(file, { type: 'file', size: 100_000 });
    t.match(program, { mode: 0o4751, uid: 5, gid: 6 });
    t.match(link, { type: 'link', link: 'dir/deep/file' });
    t.equal(text.text.length > 0, true);
    t.equal(made.errno, null);
    t.notOk(readdirSync(at('.')).includes('new'));
    t.equal(readFileSync(at('dir/deep/file'), 'utf8').length, 100_000);
  },
  { deviates: { runc: '1.1 lacks fifos', crun: '1.8 lacks fifos' } },
);

forEachRuntime(
  'tmpcopyup: fifos, and mode and owner of the directory itself',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    const at = (name: string): string => join(bundle.rootfs, 'data', name);
    execFileSync('mkfifo', ['-m', '640', at('fifo')]);
    chmodSync(at('.'), 0o2770);
    chownSync(at('.'), 21, 22);
    chmodSync(at('.'), 0o2770);
    const [fifo, top] = await rt.observeBundle<[Stat, Stat]>(bundle, [
      ['stat', '/data/fifo'],
      ['stat', '/data'],
    ]);
    t.match(fifo, { type: 'fifo', mode: 0o640 });
    t.match(top, { mode: 0o2770, uid: 21, gid: 22 });
  },
  { oursOnly: 'the peers leave these out' },
);

forEachRuntime('tmpcopyup: a read-only tmpfs has the contents', async (t, rt) => {
  const bundle = withTmpfs(rt, ['tmpcopyup', 'ro']);
  writeFileSync(join(bundle.rootfs, 'data/file'), 'there');
  const [text, write] = await rt.observeBundle<[Text, Attempt]>(bundle, [
    ['read', '/data/file'],
    ['create', '/data/new'],
  ]);
  t.equal(text.text, 'there');
  t.equal(write.errno, 'EROFS');
});

forEachRuntime(
  'tmpcopyup: options of the tmpfs apply',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup', 'mode=1700', 'uid=9', 'gid=8', 'size=1m']);
    writeFileSync(join(bundle.rootfs, 'data/file'), 'there');
    const [top, names] = await rt.observeBundle<[Stat, Names]>(bundle, [
      ['stat', '/data'],
      ['list', '/data'],
    ]);
    t.match(top, { mode: 0o1700, uid: 9, gid: 8 });
    t.strictSame(names.names, ['file']);
  },
  { deviates: { runc: '1.1 gives the root the mode of what it copies' } },
);

forEachRuntime('tmpcopyup: links of the image are not followed', async (t, rt) => {
  const bundle = withTmpfs(rt, ['tmpcopyup']);
  const secret = join(rt.dir, 'secret');
  writeFileSync(secret, 'of the host');
  symlinkSync(secret, join(bundle.rootfs, 'data/link'));
  const [link, text] = await rt.observeBundle<[Stat, Text]>(bundle, [
    ['stat', '/data/link'],
    ['read', '/data/link'],
  ]);
  t.match(link, { type: 'link', link: secret });
  t.equal(text.errno, 'ENOENT');
});

forEachRuntime(
  'tmpcopyup: a tmpfs that is too small is an error that names its option',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup', 'size=16k']);
    writeFileSync(join(bundle.rootfs, 'data/file'), 'x'.repeat(100_000));
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /"\/data".*no space left on device/);
    t.match(outcome.stderr, /raise its option size/);
  },
  { oursOnly: 'the peers have other messages' },
);

/** Runs a verb of the probe on the host. */
function probe(...words: string[]): Text {
  return JSON.parse(execFileSync(guestProgram('probe'), words, { encoding: 'utf8' })) as Text;
}

/** As the kernel stores them: CAP_NET_BIND_SERVICE, effective; an access control list that lets user 1234 read. */
const FILE_CAPABILITY = `0100000200040000${'00'.repeat(12)}`;
/** The same in user namespaces whose root is user 777 of the host. */
const OTHER_CAPABILITY = `0100000300040000${'00'.repeat(12)}09030000`;
const ACCESS_LIST =
  '02000000' + '01000600ffffffff' + '02000400d2040000' + '04000400ffffffff' + '10000400ffffffff' + '20000000ffffffff';

/** tmpfs has attributes of the class `user` since Linux 6.6. */
const hasUserAttributes = ((): boolean => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 6);
})();

forEachRuntime(
  'tmpcopyup: extended attributes of files and directories: capabilities, access control lists, those of users',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    const [dir, file] = ['data/dir', 'data/dir/file'].map((name) => join(bundle.rootfs, name));
    mkdirSync(dir ?? '');
    writeFileSync(file ?? '', '', { mode: 0o640 });
    chownSync(file ?? '', 5, 6);
    const given = [
      [file, 'security.capability', FILE_CAPABILITY],
      [file, 'system.posix_acl_access', ACCESS_LIST],
      [file, 'trusted.note', '6869'],
      [dir, 'system.posix_acl_default', ACCESS_LIST],
      [dir, 'trusted.note', '00ff00'],
      ...(hasUserAttributes ? [[file, 'user.note', '6869'] as const, [dir, 'user.empty', ''] as const] : []),
    ] as const;
    for (const [path = '', name, value] of given) t.equal(probe('setxattr', path, name, value).errno, null, name);
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    const root = `/proc/${(await container.state()).pid}/root`;
    for (const [path = '', name, value] of given) {
      const copy = root + path.slice(bundle.rootfs.length);
      t.strictSame(probe('getxattr', copy, name), { errno: null, text: value }, `${copy} ${name}`);
    }
    t.equal(statSync(`${root}/data/dir/file`).mode & 0o777, 0o640);
    await container.remove('--force');
  },
  { deviates: { runc: '1.1 copies none', crun: '1.8 loses the capabilities of a file' } },
);

forEachRuntime(
  'tmpcopyup: sockets, and device nodes if the container may make them and the image may have them',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    grantCapabilities(bundle.config, 'CAP_MKNOD', 'CAP_DAC_OVERRIDE');
    const at = (name: string): string => join(bundle.rootfs, 'data', name);
    const server = createServer().listen(at('socket'));
    await once(server, 'listening');
    chmodSync(at('socket'), 0o751);
    execFileSync('mknod', ['-m', '640', at('null'), 'c', '1', '3']);
    execFileSync('mknod', ['-m', '600', at('disk'), 'b', '7', '250']);
    chownSync(at('null'), 7, 8);
    const verbs = ['socket', 'null', 'disk'].map((name) => ['stat', `/data/${name}`]);
    const whole = await rt.observeBundle<Stat[]>(bundle, verbs);
    t.match(whole[0], { type: 'socket', mode: 0o751 });
    t.match(whole[1], { type: 'char', mode: 0o640, uid: 7, gid: 8, major: 1, minor: 3 });
    t.match(whole[2], { type: 'block', mode: 0o600, major: 7, minor: 250 });
    // The container could not use them there, either.
    execFileSync('mount', ['--bind', bundle.rootfs, bundle.rootfs]);
    try {
      execFileSync('mount', ['-o', 'remount,bind,nodev', bundle.rootfs]);
      const without = await rt.observeBundle<Stat[]>(bundle, verbs);
      t.equal(without[0]?.type, 'socket');
      for (const node of without.slice(1)) t.equal(node.errno, 'ENOENT');
    } finally {
      execFileSync('umount', [bundle.rootfs]);
    }
    server.close();
    await once(server, 'close');
  },
  { oursOnly: 'the peers copy fewer, or from a mount with nodev too' },
);

forEachRuntime(
  'tmpcopyup: device nodes that a user namespace may not make are left out',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    addUserNamespace(bundle.config);
    bundle.save();
    execFileSync('mknod', ['-m', '640', join(bundle.rootfs, 'data/null'), 'c', '1', '3']);
    writeFileSync(join(bundle.rootfs, 'data/file'), 'there');
    for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
    for (const path of [bundle.rootfs, join(bundle.rootfs, 'data')]) chownSync(path, MAPPED.uid, MAPPED.gid);
    chownSync(join(bundle.rootfs, 'data/file'), MAPPED.uid + 5, MAPPED.gid + 6);
    const [names, file] = await rt.observeBundle<[Names, Stat]>(bundle, [
      ['list', '/data'],
      ['stat', '/data/file'],
    ]);
    t.strictSame(names.names, ['file']);
    t.match(file, { uid: 5, gid: 6 });
  },
  { oursOnly: 'older peers fail' },
);

forEachRuntime(
  'tmpcopyup: in a user namespace, a file of an owner from outside gains no privileges',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    addUserNamespace(bundle.config);
    bundle.save();
    const at = (name: string): string => join(bundle.rootfs, 'data', name);
    for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
    for (const path of [bundle.rootfs, at('.')]) chownSync(path, MAPPED.uid, MAPPED.gid);
    for (const [name, uid, gid] of [
      ['own', MAPPED.uid + 5, MAPPED.gid + 6],
      ['foreign', 5, 6],
      ['foreign-group', MAPPED.uid + 5, 6],
    ] as const) {
      writeFileSync(at(name), 'x');
      chownSync(at(name), uid, gid);
      chmodSync(at(name), 0o6755);
    }
    mkdirSync(at('dir'));
    chownSync(at('dir'), 5, 6);
    chmodSync(at('dir'), 0o3755);
    writeFileSync(at('capable'), 'x', { mode: 0o755 });
    t.equal(probe('setxattr', at('capable'), 'security.capability', FILE_CAPABILITY).errno, null);
    writeFileSync(at('elsewhere'), 'x', { mode: 0o755 });
    t.equal(probe('setxattr', at('elsewhere'), 'security.capability', OTHER_CAPABILITY).errno, null);
    const [own, foreign, group, dir, capable, elsewhere] = await rt.observeBundle<Stat[]>(
      bundle,
      ['own', 'foreign', 'foreign-group', 'dir', 'capable', 'elsewhere'].map((name) => ['stat', `/data/${name}`]),
    );
    t.match(own, { uid: 5, gid: 6, mode: 0o6755 });
    t.match(foreign, { uid: 0, gid: 0, mode: 0o755 });
    t.match(group, { mode: 0o755 });
    t.match(dir, { uid: 0, gid: 0, mode: 0o1755 });
    t.match(capable, { mode: 0o755 });
    t.match(elsewhere, { mode: 0o755 });
  },
  { oursOnly: 'older peers fail' },
);

forEachRuntime(
  'tmpcopyup: from a mount with nosuid, programs lose what makes them privileged',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup']);
    const at = (name: string): string => join(bundle.rootfs, 'data', name);
    writeFileSync(at('program'), 'x');
    chownSync(at('program'), 5, 6);
    chmodSync(at('program'), 0o6755);
    t.equal(probe('setxattr', at('program'), 'security.capability', FILE_CAPABILITY).errno, null);
    mkdirSync(at('dir'));
    chmodSync(at('dir'), 0o3755);
    execFileSync('mount', ['--bind', bundle.rootfs, bundle.rootfs]);
    try {
      execFileSync('mount', ['-o', 'remount,bind,nosuid', bundle.rootfs]);
      const container = await rt.create(bundle);
      t.equal(container.outcome.status, 0, container.outcome.stderr);
      const data = `/proc/${(await container.state()).pid}/root/data`;
      t.match(statSync(`${data}/program`), { mode: 0o100755, uid: 5, gid: 6 });
      t.equal(statSync(`${data}/dir`).mode & 0o7777, 0o3755);
      t.equal(probe('getxattr', `${data}/program`, 'security.capability').errno, 'ENODATA');
      await container.remove('--force');
    } finally {
      execFileSync('umount', [bundle.rootfs]);
    }
  },
  { oursOnly: 'the peers keep the bits' },
);

forEachRuntime(
  'tmpcopyup: many levels, each with several directories and its attributes',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup', 'size=64m']);
    let level = join(bundle.rootfs, 'data');
    for (let depth = 0; depth < 1000; depth++) {
      for (const name of ['a', 'b', 'c']) mkdirSync(join(level, name));
      chmodSync(join(level, 'c'), 0o711);
      writeFileSync(join(level, 'c', 'file'), `${depth}`);
      level = join(level, 'b');
    }
    utimesSync(level, 1000, 2000);
    chmodSync(level, 0o1751);
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    let copy = `/proc/${(await container.state()).pid}/root/data`;
    const wrong: string[] = [];
    for (let depth = 0; depth < 1000; depth++) {
      const [names, mode] = [readdirSync(copy).sort(), statSync(join(copy, 'c')).mode & 0o7777];
      const text = readFileSync(join(copy, 'c', 'file'), 'utf8');
      if (names.join() !== 'a,b,c' || mode !== 0o711 || text !== String(depth)) wrong.push(copy);
      copy = join(copy, 'b');
    }
    t.strictSame(wrong, []);
    const bottom = statSync(copy);
    t.strictSame([bottom.mode & 0o7777, bottom.mtimeMs], [0o1751, 2_000_000]);
    await container.remove('--force');
  },
  { deviates: { runc: '1.1 resets the times of directories', crun: '1.8 does too' } },
);

forEachRuntime(
  'tmpcopyup: nesting without end is refused',
  async (t, rt) => {
    const bundle = withTmpfs(rt, ['tmpcopyup', 'size=64m']);
    const deepen = `for (let i = 0; i < 4200; i++) { fs.mkdirSync('d'); process.chdir('d'); }`;
    execFileSync(process.execPath, ['-e', deepen], { cwd: join(bundle.rootfs, 'data'), env: {} });
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /nested too deep/);
    // By a program that needs no path for it.
    execFileSync('rm', ['-rf', join(bundle.rootfs, 'data/d')]);
  },
  { oursOnly: 'the peers have no limit' },
);

forEachRuntime(
  'tmpcopyup: a type other than tmpfs is refused',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.mounts.push({ destination: '/data', type: 'mqueue', source: 'm', options: ['tmpcopyup'] });
    });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /option tmpcopyup is for the type tmpfs/);
    t.match(outcome.stderr, '/mounts/4');
  },
  { oursOnly: 'the peers have other messages' },
);
