import type {
  Config,
  Hook,
  LinuxResources,
  LinuxSeccomp,
  Mount,
  NamespaceType,
  Process,
} from '../../schema/generated/config.ts';
import { hasNamespace, joinedPath, namespacePointer } from '../bundle/namespaces.ts';
import { collect, ineffectiveSettings } from '../bundle/rules.ts';
import { likelyMistakes } from '../bundle/unknown.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { pointerPart } from '../diag/pointer.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { deviceLines } from '../plan/cgroup/device-lines.ts';
import { defaultUmask } from '../plan/process.ts';
import { readOnlyRoot } from '../plan/rootfs.ts';
import { mistakeRules } from './mistakes.ts';
import { bytes, words } from './units.ts';
import { commonWeaknesses, unusualWeaknesses } from './weaknesses.ts';

/** A sentence about a container, and the value in its config that makes it true; no pointer: the absence of one. */
export interface Statement {
  readonly text: string;
  readonly pointer?: string;
}

/** What a config means, in the order in which it is told. */
export interface Explanation {
  readonly runs: readonly Statement[];
  readonly sees: readonly Statement[];
  readonly may: readonly Statement[];
  readonly limits: readonly Statement[];
  readonly hooks: readonly Statement[];
  /** With their cures as hints. */
  readonly weaknesses: readonly Diagnostic[];
  readonly mistakes: readonly Diagnostic[];
}

/** Of a config without faults; no host is asked. */
export function describeConfig(config: Config): Explanation {
  return {
    runs: runs(config.process),
    sees: [...sees(config), ...(config.mounts ?? []).map(mount), ...namespaces(config), ...hiding(config)],
    may: may(config),
    limits: [...resources(config.linux?.resources ?? {}), ...processLimits(config.process)],
    hooks: hooks(config),
    weaknesses: collect([...unusualWeaknesses, ...commonWeaknesses], config),
    mistakes: [...likelyMistakes(config), ...ineffectiveSettings(config), ...collect(mistakeRules, config)],
  };
}

function say(text: string, pointer?: string): Statement {
  return pointer === undefined ? { text } : { text, pointer };
}

function runs(process: Process | undefined): Statement[] {
  if (process === undefined) return [say('no program: process is missing, so only create works')];
  const { args = [], cwd, env = [], terminal, user = {} } = process;
  const { uid = 0, gid = 0, additionalGids = [], umask = defaultUmask } = user;
  const groups = additionalGids.length === 0 ? '' : `, groups ${additionalGids.join(', ')}`;
  const path = env.find((variable) => variable.startsWith('PATH='));
  const isPath = args[0]?.includes('/') === true;
  const found = isPath ? '' : `, looked up in ${path === undefined ? 'the default PATH' : quoted(path.slice(5))}`;
  return [
    say(`${args.map(argument).join(' ')}${found}`, '/process/args'),
    say(`as user ${uid}, group ${gid}${groups}, umask ${umask.toString(8).padStart(4, '0')}`, '/process/user'),
    say(`in ${quoted(cwd)}, with ${words(env.length, 'variable')} in its environment`, '/process/cwd'),
    terminal === true
      ? say('on a terminal of its own', '/process/terminal')
      : say('with the standard streams of its caller'),
  ];
}

function quoted(text = ''): string {
  return JSON.stringify(text);
}

/** As in a shell. */
function argument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function sees(config: Config): Statement[] {
  const { root, hostname, domainname } = config;
  const list: Statement[] = [];
  if (root !== undefined) {
    const access = readOnlyRoot(config) === undefined ? 'writable' : 'read-only';
    list.push(say(`${quoted(root.path)} as /, ${access}`, '/root/path'));
  }
  if (hostname !== undefined) list.push(say(`the host name ${quoted(hostname)}`, '/hostname'));
  if (domainname !== undefined) list.push(say(`the domain name ${quoted(domainname)}`, '/domainname'));
  return list;
}

function mount({ destination, type = '', source, options = [] }: Mount, index: number): Statement {
  const isBind = type === 'bind' || options.includes('bind') || options.includes('rbind');
  const what = isBind
    ? `${quoted(source)} of the host`
    : `a new ${type}${source === undefined || source === type ? '' : ` (${quoted(source)})`}`;
  const words = options.filter((word) => word !== 'bind' && word !== 'rbind');
  return say(
    `${what} on ${quoted(destination)}${words.length === 0 ? '' : `: ${words.join(', ')}`}`,
    `/mounts/${index}`,
  );
}

const namespaceTypes = Object.keys(CLONE_NEW) as NamespaceType[];

function namespaces(config: Config): Statement[] {
  const own = namespaceTypes.filter((type) => hasNamespace(config, type) && joinedPath(config, type) === undefined);
  const joined = namespaceTypes.filter((type) => joinedPath(config, type) !== undefined);
  const ofHost = namespaceTypes.filter((type) => !hasNamespace(config, type));
  return [
    ...(own.length === 0 ? [] : [say(`new namespaces: ${own.join(', ')}`, '/linux/namespaces')]),
    ...joined.map((type) => {
      const path = `${namespacePointer(config, type)}/path`;
      return say(`the existing ${type} namespace ${quoted(joinedPath(config, type))}`, path);
    }),
    ...(ofHost.length === 0 ? [] : [say(`namespaces of the host: ${ofHost.join(', ')}`)]),
  ];
}

function hiding({ linux }: Config): Statement[] {
  const { maskedPaths = [], readonlyPaths = [], devices = [], sysctl = {} } = linux ?? {};
  return [
    ...(maskedPaths.length === 0 ? [] : [say(`not the contents of ${maskedPaths.join(', ')}`, '/linux/maskedPaths')]),
    ...(readonlyPaths.length === 0 ? [] : [say(`read-only: ${readonlyPaths.join(', ')}`, '/linux/readonlyPaths')]),
    ...devices.map(({ path, type, major, minor }, index) => {
      const number = type === 'p' ? '' : ` ${String(major ?? 0)}:${String(minor ?? 0)}`;
      return say(`the device ${quoted(path)} (${type}${number})`, `/linux/devices/${index}`);
    }),
    ...Object.entries(sysctl).map(([name, value]) =>
      say(`the kernel setting ${name} = ${value}`, `/linux/sysctl/${pointerPart(name)}`),
    ),
  ];
}

function may(config: Config): Statement[] {
  const { process, linux } = config;
  const { capabilities = {}, noNewPrivileges, apparmorProfile, selinuxLabel } = process ?? {};
  const { bounding = [], effective = [] } = capabilities;
  const more = bounding.filter((name) => !effective.includes(name));
  const { seccomp } = linux ?? {};
  return [
    effective.length === 0
      ? say('use no capability')
      : say(`use ${effective.join(', ')}`, '/process/capabilities/effective'),
    ...(more.length === 0
      ? []
      : [say(`get ${more.join(', ')} from programs and root ids`, '/process/capabilities/bounding')]),
    noNewPrivileges === true
      ? say('not gain rights from programs', '/process/noNewPrivileges')
      : say('gain rights from set-user-ID programs and file capabilities'),
    ...(seccomp === undefined ? [say('make every system call')] : filter(seccomp)),
    ...accessRules(config),
    ...(apparmorProfile
      ? [say(`what the AppArmor profile ${quoted(apparmorProfile)} allows`, '/process/apparmorProfile')]
      : []),
    ...(selinuxLabel ? [say(`what the SELinux label ${quoted(selinuxLabel)} allows`, '/process/selinuxLabel')] : []),
  ];
}

function filter({ defaultAction, syscalls = [] }: LinuxSeccomp): Statement[] {
  const counts = new Map<string, number>();
  for (const { action, names } of syscalls) counts.set(action, (counts.get(action) ?? 0) + names.length);
  const named = [...counts].map(([action, count]) => `${words(count, 'name')} with ${verdict(action)}`).join(', ');
  const text = `make system calls by a filter: ${named === '' ? '' : `${named}; `}all others with ${verdict(defaultAction)}`;
  return [say(text, '/linux/seccomp')];
}

function verdict(action: string): string {
  return action.replace('SCMP_ACT_', '');
}

function accessRules(config: Config): Statement[] {
  const devices = config.linux?.resources?.devices ?? [];
  // A default, then the exceptions from it.
  const [standard, ...lines] = deviceLines(devices, []);
  const opened = lines.flatMap((line) => {
    const [type = '', numbers = '', access = ''] = line.slice(1).split(' ');
    const letters = access.replace('m', '');
    return letters === '' ? [] : [`${type} ${numbers} ${letters}`];
  });
  const list = opened.join(', ');
  const open =
    standard === '+a' ? `open every device${list === '' ? '' : ` except ${list}`}` : `open only the devices ${list}`;
  // mknod(2) needs the capability, and that of the initial user namespace. No rule can deny it: the default ones allow it.
  const { bounding = [], effective = [] } = config.process?.capabilities ?? {};
  const makes = [...bounding, ...effective].includes('CAP_MKNOD') && !hasNamespace(config, 'user');
  const text = makes ? `make nodes of any device, and ${open}` : open;
  return [devices.length === 0 ? say(text) : say(text, '/linux/resources/devices')];
}

function resources({
  memory = {},
  cpu = {},
  pids,
  blockIO,
  hugepageLimits = [],
  unified = {},
}: LinuxResources): Statement[] {
  const list: Statement[] = [];
  const add = (text: string, name: string): void => void list.push(say(text, `/linux/resources/${name}`));
  const isLimit = (value: number | bigint | undefined): value is number | bigint =>
    value !== undefined && Number(value) > 0;
  if (isLimit(memory.limit)) add(`memory: ${bytes(memory.limit)}`, 'memory/limit');
  if (isLimit(memory.swap)) add(`memory and swap together: ${bytes(memory.swap)}`, 'memory/swap');
  if (isLimit(memory.reservation))
    add(`memory kept under pressure: ${bytes(memory.reservation)}`, 'memory/reservation');
  if (isLimit(cpu.quota)) {
    const period = Number(cpu.period ?? 100000) || 100000;
    add(`processor time: ${String(Math.round((Number(cpu.quota) / period) * 100) / 100)} CPUs`, 'cpu/quota');
  }
  if (isLimit(cpu.shares)) add(`weight of processor time: ${String(cpu.shares)}, where 1024 is usual`, 'cpu/shares');
  if (cpu.cpus) add(`CPUs: ${cpu.cpus}`, 'cpu/cpus');
  if (cpu.mems) add(`memory nodes: ${cpu.mems}`, 'cpu/mems');
  if (pids?.limit !== undefined && Number(pids.limit) >= 0)
    add(`processes and threads: ${String(pids.limit)}`, 'pids/limit');
  if (blockIO !== undefined) add('block I/O', 'blockIO');
  hugepageLimits.forEach(({ pageSize, limit }, index) =>
    add(`huge pages of ${pageSize}: ${bytes(limit)}`, `hugepageLimits/${index}`),
  );
  for (const [file, value] of Object.entries(unified)) add(`${file} = ${value}`, 'unified');
  return list;
}

function processLimits({ rlimits = [], oomScoreAdj }: Partial<Process> = {}): Statement[] {
  const shownLimit = (value: number | bigint): string =>
    BigInt(value) === 0xffff_ffff_ffff_ffffn ? 'unlimited' : String(value);
  return [
    ...rlimits.map(({ type, soft, hard }, index) => {
      const raise = BigInt(soft) === BigInt(hard) ? '' : `, which it may raise to ${shownLimit(hard)}`;
      return say(`${type}: ${shownLimit(soft)}${raise}`, `/process/rlimits/${index}`);
    }),
    ...(oomScoreAdj
      ? [
          say(
            `killed ${oomScoreAdj > 0 ? 'early' : 'late'} if memory runs out (${oomScoreAdj})`,
            '/process/oomScoreAdj',
          ),
        ]
      : []),
  ];
}

/** In the order in which they run; runtime-spec config.md, "POSIX-platform Hooks". */
const hookKinds = {
  prestart: 'on the host, before the root is changed',
  createRuntime: 'on the host, before the root is changed',
  createContainer: 'of the host, in the namespaces of the container, before the root is changed',
  startContainer: 'of the image, in the container, right before the program',
  poststart: 'on the host, once the program runs',
  poststop: 'on the host, once the container has been deleted',
} as const;

function hooks({ hooks: kinds = {} }: Config): Statement[] {
  return (Object.keys(hookKinds) as (keyof typeof hookKinds)[]).flatMap((kind) =>
    (kinds[kind] ?? []).map((hook: Hook, index) => {
      const { path, args = [], timeout } = hook;
      const command = [path, ...args.slice(1)].map(argument).join(' ');
      const limit = timeout === undefined ? 'no time limit' : `at most ${words(timeout, 'second')}`;
      return say(`${kind}: ${command} ${hookKinds[kind]}, ${limit}`, `/hooks/${kind}/${index}`);
    }),
  );
}
