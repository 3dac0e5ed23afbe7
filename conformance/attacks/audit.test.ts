/**
 * Checks every system call of the helper that takes a path: no name that another process could exchange is resolved
 * twice, and none outside of the root.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { attack } from '../harness/attack.ts';
import type { TestConfig } from '../harness/config.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { REPOSITORY } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

/** One system call of the helper, in order of completion. */
interface Call {
  readonly name: string;
  /** Its arguments as printed by strace(1). */
  readonly text: string;
  readonly paths: readonly string[];
  /** Whether the process has left the root of the host for that of the container. */
  readonly inside: boolean;
  /** Whether the root filesystem is open. */
  readonly rooted: boolean;
}

const OPENS = ['open', 'openat', 'openat2', 'open_tree'];
/** Calls that change names, and calls that act on one. */
const CHANGES =
  /^(mount|umount2|unlink(at)?|rmdir|mkdir(at)?|mknod(at)?|f?chmod(at2?)?|[fl]?chown(at)?|link(at)?|symlink(at)?|rename(at2?)?|move_mount|l?setxattr|utimensat)$/;

/** That of the kernel thread with the mount namespace that a container can be made in. */
const THREAD = /^\/proc\/\d+$/;

/** Lines of a trace by process, with the parts of interrupted calls joined. */
function* wholeLines(text: string): Generator<readonly [pid: string, line: string]> {
  const begun = new Map<string, string>();
  for (const [, pid = '', line = ''] of text.matchAll(/^(\d+) +(.*)$/gm)) {
    const unfinished = / <unfinished \.\.\.>(\) = \?)?$/.exec(line);
    const resumed = /^<\.\.\. \w+ resumed>/.exec(line);
    if (unfinished !== null) begun.set(pid, line.slice(0, unfinished.index));
    else if (resumed === null) yield [pid, line];
    else yield [pid, (begun.get(pid) ?? '') + line.slice(resumed[0].length)];
  }
}

/** Calls of the helper in a trace, from its own start to that of the program. */
function helperCalls(trace: string): Call[] {
  const helpers = new Map<string, { beside: boolean; inside: boolean; rooted: boolean }>();
  const calls: Call[] = [];
  for (const [pid, line] of wholeLines(trace)) {
    const [, name = '', text = '', result = ''] = /^(\w+)\((.*)\) += (-?\d+|\?)/.exec(line) ?? [];
    if (name === '') continue;
    if (name === 'execveat' && text.includes('"rt-init"'))
      helpers.set(pid, { beside: false, inside: false, rooted: false });
    const state = helpers.get(pid);
    if (state === undefined) continue;
    // The child of a helper, as in `exec`, is also one.
    if (/^(clone3?|fork|vfork)$/.test(name)) helpers.set(result, { ...state });
    const paths = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = '']) => path);
    const { inside, rooted } = state;
    calls.push({ name, text, paths: name === 'symlinkat' ? paths.slice(1) : paths, inside, rooted });
    if (result.startsWith('-')) continue;
    if (name === 'openat2' && text.includes('RESOLVE_IN_ROOT')) state.rooted = true;
    if (THREAD.test(paths[0] ?? '')) state.beside = true;
    // The first namespace has a devtmpfs only, and the container is made in a copy of it.
    if (state.beside && name === 'setns') state.beside = false;
    else if (name === 'pivot_root' || name === 'chroot' || (name === 'setns' && text.includes('CLONE_NEWNS')))
      Object.assign(state, { inside: true, rooted: true });
    if (name === 'execve') helpers.delete(pid);
  }
  return calls;
}

const components = (path: string): number => path.split('/').filter((part) => part !== '').length;

/** Host paths that are opened before the process leaves the host's root. Only the host's root can exchange them. */
const OF_THE_HOST = /^\/(dev\/[a-z]+|proc\/self\/?[\w/]*|sys\/fs\/cgroup\/.*|)$/;

/** Looked up as by the program, when no descriptor that leads to the host is open. */
const PROGRAM = /^\/bin\/\w+$/;

/** The fault of a call, if it has one. */
function fault({ name, text, paths, inside, rooted }: Call, sources: readonly string[]): string | undefined {
  const [path = ''] = paths;
  if (rooted && CHANGES.test(name) && paths.some((one) => components(one) > 1)) return 'resolves a path';
  if (rooted && /O_CREAT/.test(text) && components(path) > 1) return 'makes a file by a path';
  if (inside && OPENS.includes(name) && path.startsWith('/proc')) return 'trusts the /proc of the container';
  if (!OPENS.includes(name) || !path.startsWith('/')) return;
  if (/RESOLVE_IN_ROOT/.test(text)) return /RESOLVE_NO_MAGICLINKS/.test(text) ? undefined : 'follows magic links';
  if (!inside)
    return OF_THE_HOST.test(path) || THREAD.test(path) || sources.includes(path) ? undefined : 'is outside of the root';
  if (components(path) === 0 || PROGRAM.test(path)) return;
  return /RESOLVE_NO_(SYMLINKS|MAGICLINKS)/.test(text) ? undefined : 'follows magic links';
}

/** A config like Docker's, with a volume. */
function asDocker(rt: Sandbox, config: TestConfig, volume: string): string[] {
  const docker = JSON.parse(readFileSync(join(REPOSITORY, 'conformance/configs/docker.json'), 'utf8')) as TestConfig;
  const sources: string[] = [volume];
  for (const mount of docker.mounts) {
    if (mount.type !== 'bind' || mount.source === undefined) continue;
    mount.source = join(rt.dir, basename(mount.destination));
    writeFileSync(mount.source, '');
    sources.push(mount.source);
  }
  docker.mounts.push({ destination: '/srv/volume', type: 'bind', source: volume, options: ['rbind', 'ro'] });
  config.mounts = docker.mounts;
  const { maskedPaths, readonlyPaths, seccomp, sysctl, namespaces } = docker.linux;
  Object.assign(config.linux, { maskedPaths, readonlyPaths, seccomp, sysctl, namespaces });
  config.linux.devices = [{ path: '/srv/volume-device', type: 'c', major: 1, minor: 3 }];
  config.process.user = { uid: 1000, gid: 1000, additionalGids: [5] };
  config.process.args = ['/bin/probe', 'pause'];
  return sources;
}

function checkCalls(t: Test, command: string, trace: string, sources: readonly string[]): void {
  const calls = helperCalls(readFileSync(trace, 'utf8'));
  t.ok(calls.length > 10, `${command}: ${calls.length} calls`);
  for (const call of calls) {
    const wrong = fault(call, sources);
    if (wrong !== undefined) t.fail(`${command}: ${call.name}(${call.text}) ${wrong}`);
  }
  const starts = calls.flatMap(({ name }, index) => (name === 'execveat' ? [index] : []));
  for (const start of starts)
    t.match(
      calls[start + 1]?.text,
      /PR_SET_DUMPABLE, (SUID_DUMP_DISABLE|0)/,
      `${command}: not dumpable from the start`,
    );
  const inside = calls.filter((call) => call.inside && OPENS.includes(call.name)).map(({ paths }) => paths[0] ?? '');
  const known = /^(|\/|\w+|ns\/mnt|\/dev\/\w+|\/etc\/passwd|\/bin\/\w+|\/data(\/new)?)$/;
  t.strictSame(
    inside.filter((path) => !known.test(path)),
    [],
    `${command}: no library, list of users or program of the image is opened with other rights than the container's`,
  );
}

for (const way of [undefined, 'small']) {
  const beside = way === undefined ? '' : ': without the mounts of the host';
  attack(
    `the helper acts on descriptors, and never uses a path of the container twice${beside}`,
    async (t, rt) => {
      if (way !== undefined) rt.env['RT_MOUNT_NAMESPACE'] = way;
      const volume = join(rt.dir, 'volume');
      mkdirSync(volume);
      let sources: string[] = [];
      const bundle = rt.bundle((config) => {
        sources = asDocker(rt, config, volume);
      });
      sources.push(bundle.rootfs);
      const trace = (name: string): string[] => ['strace', '-f', '-s', '4096', '-o', join(rt.dir, name)];
      const id = rt.nextId();
      // strace(1) ends with the last process of the container.
      const create = rt.backgroundThrough(trace('create'), 'create', '--bundle', bundle.dir, id);
      await until('it is created', async () => {
        if (create.child.exitCode !== null) throw new Error((await create.ended).stderr);
        return (await rt.command('state', id)).stdout.includes('"status": "created"');
      });
      t.equal((await rt.command('start', id)).status, 0);
      const exec = await rt.commandThrough(trace('exec'), 'exec', id, '/bin/true');
      t.equal(exec.status, 0, exec.stderr);
      const mounts = join(rt.dir, 'mounts.json');
      writeFileSync(
        mounts,
        JSON.stringify([{ destination: '/data/new', type: 'bind', source: volume, options: ['bind'] }]),
      );
      const added = await rt.commandThrough(trace('mounts'), 'mounts', 'add', id, mounts);
      t.equal(added.status, 0, added.stderr);
      await rt.command('delete', '--force', id);
      await create.ended;
      for (const command of ['create', 'exec', 'mounts']) checkCalls(t, command, join(rt.dir, command), sources);
    },
    { oursOnly: 'the helper is ours' },
  );
}

void t.test('what the audit looks for is found in a trace', async (t) => {
  const inside = ['7 setns(5, CLONE_NEWNS|CLONE_NEWPID) = 0'];
  const traces: readonly (readonly [wrong: string | undefined, lines: readonly string[]])[] = [
    [undefined, [...inside, '7 mkdirat(6, "x", 0755) = 0', '7 umount2(".", MNT_DETACH) = 0']],
    ['resolves a path', [...inside, '7 mkdirat(6, "a/x", 0755) = 0']],
    ['resolves a path', [...inside, '7 mount("tmpfs", "/a/x", "tmpfs", 0, NULL) = 0']],
    ['makes a file by a path', [...inside, '7 openat(AT_FDCWD, "/a/x", O_WRONLY|O_CREAT, 0644) = 5']],
    ['trusts the /proc of the container', [...inside, '7 openat(AT_FDCWD, "/proc/self/attr/exec", O_WRONLY) = 5']],
    ['follows magic links', [...inside, '7 openat2(6, "/a/x", {flags=O_PATH, resolve=RESOLVE_IN_ROOT}, 24) = 5']],
    ['follows magic links', [...inside, '7 openat2(AT_FDCWD, "/etc/group", {flags=O_RDONLY, resolve=0}, 24) = 5']],
    ['is outside of the root', ['7 openat2(AT_FDCWD, "/rootfs/etc", {flags=O_PATH, resolve=0}, 24) = 5']],
    ['resolves a path', [...inside, '7 clone3({flags=0}, 88) = 8', '8 fchmodat(6, "a/x", 0600) = 0']],
  ];
  for (const [wrong, lines] of traces) {
    const trace = ['7 execveat(4, "", ["rt-init", "3"], 0x1, AT_EMPTY_PATH) = 0', ...lines].join('\n');
    const found = helperCalls(trace).flatMap((call) => fault(call, []) ?? []);
    t.strictSame(found, wrong === undefined ? [] : [wrong], lines.at(-1) ?? '');
  }
});
