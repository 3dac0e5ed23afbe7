import type { Config } from '../../schema/generated/config.ts';
import { hardenedConfig, hardenedLimits, unusedIds } from '../bundle/hardened.ts';
import type { HardenedProgram, HostIds } from '../bundle/hardened.ts';
import { usuallyMasked, usuallyReadonly } from '../bundle/protected-paths.ts';
import { specVersion } from '../bundle/spec-version.ts';
import { Failure } from '../diag/diagnostic.ts';
import { expectResult, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EEXIST } from '../kernel/errno.ts';
import { CGROUP2_SUPER_MAGIC } from '../kernel/file-systems.ts';
import { O_CREAT, O_EXCL, O_WRONLY } from '../kernel/open-flags.ts';
import type { Context, Outcome } from '../options/command.ts';
import type { Options } from '../options/options.ts';
import { absolutePath } from '../state/root.ts';
import { findBusybox, makeRootfs, removeRootfs } from './busybox.ts';

const newFile = O_WRONLY | O_CREAT | O_EXCL;

/**
 * Writes a config.json, or `--file` of the bundle, that runs `sh` or the given program in the directory `rootfs`, which
 * --busybox makes; or prints the schema.
 */
export function spec({ native, options, operands }: Context): Outcome {
  if (options.schema === true) return { output: native.configSchema() };
  const unified = native.fileSystemType('/sys/fs/cgroup') === CGROUP2_SUPER_MAGIC;
  const own: HostIds | undefined =
    options['rootless-spec'] === true ? { uid: native.effectiveUid(), gid: effectiveGid(native), size: 1 } : undefined;
  const config =
    options.hardened === true
      ? hardened(own)
      : own === undefined
        ? defaultConfig(unified)
        : rootlessConfig(unified, own);
  const { bundle = '.', file = 'config.json' } = options;
  const path = bundle === '.' || file.startsWith('/') ? file : `${bundle}/${file}`;
  const write = (): void => {
    const text = `${JSON.stringify(chosen(config, options, operands), null, '\t')}\n`;
    const result = native.writeText(path, text, newFile, 0o664);
    if (result === -EEXIST) {
      throw new Failure({ code: 'spec.exists', message: `File ${file} exists. Remove it first` });
    }
    if (result < 0) throw systemFailure('spec.write', `cannot write "${path}"`, 'open', result);
  };
  if (options.busybox !== true) write();
  else withRootfs(native, absolutePath(native, `${bundle}/rootfs`), write);
  return {};
}

/** Without the root filesystem if `write` fails. */
function withRootfs(native: Native, root: string, write: () => void): void {
  const busybox = findBusybox(native);
  makeRootfs(native, busybox, root);
  try {
    write();
  } catch (error) {
    removeRootfs(native, busybox, root);
    throw error;
  }
}

/** What the options and the operands ask for. */
function chosen(config: SpecConfig | Config, options: Options, args: readonly string[]): object {
  const { process, root, hostname } = config;
  return {
    ...config,
    process: {
      ...process,
      ...(options['no-terminal'] === true ? { terminal: false } : {}),
      ...(args.length === 0 ? {} : { args }),
    },
    root: options.writable === true ? { ...root, readonly: false } : root,
    hostname: options.hostname ?? hostname,
  };
}

const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const template: HardenedProgram = {
  root: 'rootfs',
  args: ['sh'],
  env: [searchPath],
  cwd: '/tmp',
  mounts: [],
  denied: 'error',
};
/** An unprivileged user may usually not set limits. */
const withoutCgroups = { ...hardenedLimits, memory: undefined, pids: undefined, cpus: undefined };

/** `own`: the ids of an unprivileged user. */
function hardened(own: HostIds | undefined): Config {
  return own === undefined
    ? hardenedConfig(template, hardenedLimits, unusedIds(0))
    : hardenedConfig(template, withoutCgroups, own);
}

interface SpecMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options?: readonly string[];
}

interface SpecConfig {
  readonly ociVersion: string;
  readonly process: object;
  readonly root: object;
  readonly hostname: string;
  readonly mounts: readonly SpecMount[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[]; readonly [key: string]: unknown };
}

function defaultConfig(unified: boolean): SpecConfig {
  const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', ...(unified ? ['cgroup'] : [])];
  return {
    ociVersion: specVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: [searchPath, 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'rt',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      mount('/dev', 'tmpfs', 'tmpfs', 'nosuid strictatime mode=755 size=65536k'),
      mount('/dev/pts', 'devpts', 'devpts', 'nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5'),
      mount('/dev/shm', 'tmpfs', 'shm', 'nosuid noexec nodev mode=1777 size=65536k'),
      mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid noexec nodev'),
      mount('/sys', 'sysfs', 'sysfs', 'nosuid noexec nodev ro'),
      mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid noexec nodev relatime ro'),
    ],
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: namespaces.map((type) => ({ type })),
      maskedPaths: usuallyMasked,
      readonlyPaths: usuallyReadonly,
    },
  };
}

function mount(destination: string, type: string, source: string, options: string): SpecMount {
  return { destination, type, source, options: options.split(' ') };
}

/**
 * For an unprivileged user: a user namespace in which the user is root, the host's network, no limits (the user may not
 * set any), and the existing /sys, since a new one requires a new network namespace.
 */
function rootlessConfig(unified: boolean, { uid, gid }: HostIds): SpecConfig {
  const config = defaultConfig(unified);
  const namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
  const linux = Object.fromEntries(Object.entries(config.linux).filter(([key]) => key !== 'resources'));
  return {
    ...config,
    mounts: config.mounts.map(rootlessMount),
    linux: {
      ...linux,
      uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
      namespaces: [...namespaces, { type: 'user' }],
    },
  };
}

function rootlessMount(entry: SpecMount): SpecMount {
  if (entry.destination === '/sys') return mount('/sys', 'none', '/sys', 'rbind nosuid noexec nodev ro');
  if (entry.options === undefined) return entry;
  return { ...entry, options: entry.options.filter((option) => !/^[ug]id=/.test(option)) };
}

/** From the line `Gid: real effective saved filesystem`, proc_pid_status(5). */
function effectiveGid(native: Native): number {
  const text = expectResult(native.readText('/proc/self/status', 65536), 'spec.gid', 'cannot find own group', 'read');
  return Number(/^Gid:\s+\d+\s+(\d+)/m.exec(text)?.[1] ?? 0);
}
