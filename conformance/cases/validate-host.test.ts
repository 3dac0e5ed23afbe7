import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../harness/config.ts';
import { MACHINES, elfWithLoader } from '../harness/elf.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

interface Finding {
  readonly level: string;
  readonly code: string;
  readonly pointer?: string;
  readonly message: string;
}

const OURS = { oursOnly: 'the peers have no command for it' };

const [otherMachine, otherName] =
  process.arch === 'arm64' ? [MACHINES.x86_64, 'x86_64'] : [MACHINES.aarch64, 'aarch64'];

const files: readonly (readonly [name: string, content: string | Buffer, words: RegExp, mode?: number])[] = [
  ['plain', 'x', /"\/plain" \(0644, owner 0:0\) is not executable/, 0o644],
  ['empty', '', /"\/empty" cannot be executed: the file is empty/],
  ['text', 'x', /"\/text" cannot be executed: the file is neither an ELF program nor a script/],
  ['script', '#!/nosuch/interpreter -x\n', /its interpreter "\/nosuch\/interpreter" is missing in the container/],
  ['nested', '#!/script\n', /interpreter "\/script" is a script, whose interpreter "\/nosuch\/interpreter" is missing/],
  ['crlf', '#!/bin/sh\r\n', /"\/crlf" cannot be executed: its interpreter is "\/bin\/sh\\r"/],
  [
    'dynamic',
    elfWithLoader('/lib/ld-nosuch.so.2'),
    /needs the loader \/lib\/ld-nosuch.so.2, which is not in the container/,
  ],
  ['foreign', elfWithLoader('/x', 22), /the program is for s390x, this host is/],
  ['other', elfWithLoader('/x', otherMachine), new RegExp(`the program is for ${otherName}, this host is`)],
];

forEachRuntime(
  'validate --host looks at the program and what it needs',
  async (t, rt) => {
    const bundle = rt.bundle();
    for (const [name, content, , mode = 0o755] of files) writeFileSync(join(bundle.rootfs, name), content, { mode });
    const validate = async (arg: string): ReturnType<typeof rt.command> => {
      bundle.config.process.args = [arg];
      bundle.save();
      return rt.command('validate', '--host', '--bundle', bundle.dir);
    };
    for (const [name, , words] of files) {
      const { status, stdout } = await validate(`/${name}`);
      t.equal(status, 2, name);
      t.match(stdout, /^config\.json:\d+:\d+ \/process\/args\/0: on this host: /, name);
      t.match(stdout, words);
      t.match(stdout, /\nconfig\.json is valid, but this host is against it\n$/);
    }
    t.match(await validate('nosuch'), { status: 2, stdout: /"nosuch" is in no directory of PATH .*: \/bin\n/ });
    t.match(await validate('slep'), { status: 2, stdout: /hint: did you mean sleep\?/ });
    t.match(await validate('sh'), { status: 0, stdout: 'config.json is valid and suits this host\n' });
    const mount = { destination: '/bin', type: 'tmpfs', source: 'tmpfs' };
    const { mounts } = bundle.config;
    bundle.config.mounts = [...mounts, mount];
    const covered = await validate('/bin/sh');
    t.match(covered, { status: 2, stdout: /it is not in the container\n {2}hint: the mount on "\/bin" covers/ });
    bundle.config.mounts = [...mounts, { ...mount, options: ['tmpcopyup'] }];
    t.match(await validate('/bin/sh'), { status: 0 }, 'a copy of what it covers');
  },
  OURS,
);

forEachRuntime(
  'validate --host names a folder that the user may not enter, in the container and on the host',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.args = ['/opt/app'];
    });
    mkdirSync(join(bundle.rootfs, 'opt'), { mode: 0o700 });
    writeFileSync(join(bundle.rootfs, 'opt/app'), '#!/bin/sh\n', { mode: 0o755 });
    const cure = `hint: chmod o+x "${bundle.rootfs}/opt"`;
    const { status, stdout } = await rt.command('validate', '--host', '--bundle', bundle.dir);
    t.equal(status, 2);
    t.match(
      stdout,
      /\/process\/args\/0: .*: "\/opt" \(0700, owner 0:0\) may not be entered by user 1000:1000\n {2}hint: /,
    );
    t.match(stdout, cure, 'the path of the host');
    t.match(await rt.runBundle(bundle), { status: 1, stderr: cure });
    bundle.config.process.capabilities = { bounding: [], permitted: DAC, effective: DAC };
    bundle.save();
    t.match(await rt.command('validate', '--host', '--bundle', bundle.dir), { status: 0 });
    chmodSync(join(bundle.rootfs, 'opt'), 0o711);
    bundle.config.process.capabilities = {};
    bundle.save();
    t.match(await rt.command('validate', '--host', '--bundle', bundle.dir), { status: 0 });
  },
  OURS,
);

const DAC = ['CAP_DAC_OVERRIDE'];

forEachRuntime(
  'validate --host: a namespace that rt may not look at is not one that does not exist',
  async (t, rt) => {
    const bundle = rt.bundle();
    const closed = join(bundle.dir, 'closed');
    mkdirSync(closed);
    chownSync(closed, 1000, 1000);
    chmodSync(closed, 0o700);
    bundle.config.linux.namespaces.push({ type: 'cgroup', path: join(closed, 'cgroup') });
    bundle.save();
    const without = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
    const { stdout } = await rt.commandThrough(without, 'validate', '--host', '--bundle', bundle.dir);
    t.match(
      stdout,
      /the cgroup namespace ".*" cannot be looked at: permission denied: ".*closed" \(0700, owner 1000:1000\)/,
    );
  },
  OURS,
);

forEachRuntime(
  'validate --host follows links on the way to the destination of a mount',
  async (t, rt) => {
    for (const at of ['/run', '/run/made']) {
      const bundle = rt.bundle((config) => {
        config.process.args = [`${at}/tools/sh`, '-c', 'exit 7'];
        config.mounts.push({
          destination: `/link${at.slice(4)}/tools`,
          source: 'tools',
          type: 'bind',
          options: ['rbind'],
        });
      });
      mkdirSync(join(bundle.rootfs, 'run'), { recursive: true });
      symlinkSync('/run', join(bundle.rootfs, 'link'));
      symlinkSync(join(bundle.rootfs, 'bin'), join(bundle.dir, 'tools'));
      t.equal((await rt.runBundle(bundle)).status, 7, 'the program is there');
      t.match(await rt.command('validate', '--host', '--bundle', bundle.dir), { status: 0, stdout: /suits this host/ });
    }
  },
  OURS,
);

forEachRuntime(
  'validate --host names everything that is against the config, and changes nothing',
  async (t, rt) => {
    const bundle = rt.bundle((config: TestConfig) => {
      config.mounts.push(
        { destination: '/etc', source: '/etc/hostname', type: 'bind', options: ['bind'] },
        { destination: '/bin/sh', source: '/etc', type: 'bind', options: ['bind'] },
        { destination: '/made/inner', source: '/nosuch', type: 'bind', options: ['bind'] },
        { destination: '/odd', source: 'odd', type: 'rt-odd' },
      );
      config.hooks = { poststop: [{ path: '/nosuch' }, { path: '/etc/passwd' }, { path: '/bin/true' }] };
      config.process.cwd = '/bin/probe';
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 ** 40 }];
      config.linux.sysctl = { 'net.nosuch': '1' };
      Object.assign(config.linux.resources, { cpu: { cpus: '0-4000' } });
      config.linux.namespaces.push({ type: 'cgroup', path: '/proc/0/ns/cgroup' });
      Object.assign(config.linux, {
        seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ERRNO' }] },
      });
    });
    const { status, stdout } = await rt.command('validate', '--host', '--format', 'json', '--bundle', bundle.dir);
    t.equal(status, 2);
    const found = (JSON.parse(stdout) as Finding[]).filter(({ level }) => level === 'host');
    t.strictSame(
      found.map(({ pointer = '' }) => pointer).sort(),
      [
        '/hooks/poststop/0/path',
        '/hooks/poststop/1/path',
        '/linux/namespaces/5/path',
        '/linux/resources/cpu/cpus',
        '/linux/seccomp/syscalls/0/action',
        '/linux/sysctl/net.nosuch',
        '/mounts/4/destination',
        '/mounts/5/destination',
        '/mounts/6/source',
        '/mounts/7/type',
        '/process/cwd',
        '/process/rlimits/0/hard',
      ],
      stdout,
    );
  },
  OURS,
);

forEachRuntime(
  'validate --host looks at the host for what is sound in a faulty config',
  async (t, rt) => {
    const bundle = rt.bundle((config: TestConfig) => {
      config.mounts.push(
        { destination: '/data', source: '/ect', type: 'bind', options: ['bind'] },
        { destination: '/proc/inside', source: '/', type: 'bind', options: ['bind'] },
      );
      config.process.args = ['/nosuch'];
      config.hooks = { poststop: [{ path: 'relative' }, { path: '/nosuch' }] };
      Object.assign(config.linux, { namespaces: config.linux.namespaces.concat({ type: 'nosuch' }) });
    });
    const check = async (): ReturnType<typeof rt.command> =>
      rt.command('validate', '--host', '--format', 'json', '--bundle', bundle.dir);
    const { status, stdout } = await check();
    t.equal(status, 1);
    t.strictSame(
      (JSON.parse(stdout) as Finding[]).map(({ level, pointer = '' }) => `${level} ${pointer}`).sort(),
      [
        'error /hooks/poststop/0/path',
        'error /linux/namespaces/5/type',
        'error /mounts/5/destination',
        'host /hooks/poststop/1/path',
        'host /mounts/4/source',
        'note ',
      ],
      stdout,
    );
    t.match(stdout, 'compared with this host, not linux.namespaces[5], mounts[5], hooks.poststop[0]');
    t.match(stdout, 'did you mean /etc?');
    bundle.saveText('{');
    t.match(await check(), { status: 1, stdout: /config\.syntax[^]*this host was not looked at/ });
  },
  OURS,
);

forEachRuntime(
  'validate, validate --host and run have the same cure for misspelt words of a mount',
  async (t, rt) => {
    for (const [mount, pointer, cure] of [
      [{ type: 'tmpsf' }, '/mounts/4/type', 'did you mean tmpfs?'],
      [{ type: 'tmpfs', options: ['nosuid', 'ron'] }, '/mounts/4/options/1', 'write ro'],
      [{ type: 'tmpfs', options: ['size=5x'] }, '/mounts/4/options/0', 'give a number, or one with a suffix'],
    ] as const) {
      const bundle = rt.bundle(({ mounts }) =>
        mounts.push({ destination: '/data', source: 'x', ...mount } as (typeof mounts)[number]),
      );
      const words = new RegExp(`${pointer}: (note|on this host): .*\\n  hint: ${cure.replace('?', '\\?')}`);
      t.match(await rt.command('validate', '--bundle', bundle.dir), { status: 0, stdout: words });
      t.match(await rt.command('validate', '--host', '--bundle', bundle.dir), { status: 2, stdout: words });
      t.match(await rt.runBundle(bundle), { status: 1, stderr: `hint: ${cure}` });
    }
  },
  OURS,
);

forEachRuntime(
  'validate --host tells of a working directory that rt will make',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.cwd = '/ect/app'));
    mkdirSync(join(bundle.rootfs, 'etc'), { recursive: true });
    const words = (hint: string): RegExp =>
      new RegExp(`/process/cwd: note: .* does not exist: rt makes it.*\\n  hint: ${hint}`);
    const check = async (): ReturnType<typeof rt.command> => rt.command('validate', '--host', '--bundle', bundle.dir);
    t.match(await check(), { status: 0, stdout: words('did you mean /etc') });
    t.equal((await rt.runBundle(bundle)).status, 0);
    t.match(await check(), { status: 0, stdout: /^config.json is valid and suits this host/ });
  },
  OURS,
);
