import type { Linux, Process } from '../../schema/generated/config.ts';

/** The part of config.json the cases touch. Looser than the generated types, for cases also write wrong values. */
export interface TestConfig {
  ociVersion: string;
  process: TestProcess;
  root: { path: string; readonly?: boolean };
  hostname?: string;
  domainname?: string;
  mounts: TestMount[];
  hooks?: Record<string, TestHook[]>;
  annotations?: Record<string, string>;
  linux: TestLinux;
}

export type TestProcess = LooseProcess & Omit<Process, keyof LooseProcess>;

interface LooseProcess {
  terminal: boolean;
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
  args: string[];
  env?: string[];
  cwd: string;
  capabilities?: Record<string, string[]>;
  rlimits?: { type: string; soft: number; hard: number }[];
  scheduler?: Record<string, unknown>;
  ioPriority?: Record<string, unknown>;
  execCPUAffinity?: { initial?: string; final?: string };
}

export interface TestMount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  uidMappings?: Record<string, number>[];
  gidMappings?: Record<string, number>[];
}

export interface TestHook {
  path: string;
  args?: string[];
  env?: string[];
  timeout?: number;
}

export type TestLinux = LooseLinux & Omit<Linux, keyof LooseLinux>;

interface LooseLinux {
  cgroupsPath: string;
  namespaces: { type: string; path?: string }[];
  resources: {
    devices?: { allow: boolean; type?: string; major?: number; minor?: number; access?: string }[];
    [controller: string]: unknown;
  };
  devices?: Record<string, unknown>[];
  sysctl?: Record<string, string>;
  netDevices?: Record<string, { name?: string }>;
  intelRdt?: Record<string, unknown>;
  seccomp?: Record<string, unknown>;
  uidMappings?: Record<string, number>[];
  gidMappings?: Record<string, number>[];
  timeOffsets?: Record<string, { secs?: number; nanosecs?: number }>;
  personality?: Record<string, unknown>;
  memoryPolicy?: Record<string, unknown>;
  rootfsPropagation?: string;
}

/** Changes a fresh minimal configuration into the one a case needs. */
export type Mutation = (config: TestConfig) => void;

const DEFAULT_CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

/**
 * A configuration that every runtime starts: five namespaces, the usual mounts, no limits.
 *
 * @param cgroupsPath absolute path of the container's cgroup, unique on the host
 */
export function minimalConfig(cgroupsPath: string): TestConfig {
  return {
    // Debian 12's crun, a control, accepts nothing newer.
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/bin/probe', 'nothing'],
      env: ['PATH=/bin'],
      cwd: '/',
      capabilities: {
        bounding: [...DEFAULT_CAPABILITIES],
        effective: [...DEFAULT_CAPABILITIES],
        permitted: [...DEFAULT_CAPABILITIES],
      },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    hostname: 'conformance',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    linux: {
      cgroupsPath,
      namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
      resources: { devices: [{ allow: false, access: 'rwm' }] },
    },
  };
}

/** Grants exactly these capabilities in the three sets that matter for a root process. */
export function grantCapabilities(config: TestConfig, ...names: string[]): void {
  config.process.capabilities = { bounding: names, effective: names, permitted: names };
}

/** First host ids of the user namespaces of cases: uid and gid of the container's root. */
export const MAPPED = { uid: 100_000, gid: 200_000, size: 1000 } as const;

/** Gives the container its own user namespace, in which 1000 ids are mapped. */
export function addUserNamespace(config: TestConfig): void {
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID: MAPPED.uid, size: MAPPED.size }];
  config.linux.gidMappings = [{ containerID: 0, hostID: MAPPED.gid, size: MAPPED.size }];
}

/** Replaces the new namespace of a type by one given by path, or drops it (shares the runtime's). */
export function changeNamespace(config: TestConfig, type: string, path?: string): void {
  config.linux.namespaces = config.linux.namespaces.filter((namespace) => namespace.type !== type);
  if (path !== undefined) config.linux.namespaces.push({ type, path });
}
