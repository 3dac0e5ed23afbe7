import type { NamespaceType } from '../../schema/generated/config.ts';
import type { Features, LinuxFeatures, SeccompFeatures } from '../../schema/generated/features.ts';
import { ANNOTATIONS } from '../bundle/annotations.ts';
import { specVersion } from '../bundle/spec-version.ts';
import { commands } from '../options/options.ts';
import { commit, version } from './version.ts';
import type { Native } from '../host/native.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { CAPABILITIES } from '../kernel/processes.ts';
import { MEMORY_POLICY_FLAGS, MEMORY_POLICY_MODES } from '../kernel/scheduling.ts';
import { knownHookKinds } from '../plan/hooks.ts';
import { knownMountOptions } from '../plan/mount-options.ts';
import { knownArchitectures } from '../plan/seccomp/architectures.ts';
import { flagBits, operators, returnValues } from '../plan/seccomp/profile.ts';
import type { Context, Outcome } from '../options/command.ts';

/**
 * Prints the features of rt (runtime-spec features.md). Every list comes from the table that the implementation uses;
 * the features do not depend on the host.
 */
export function features(context: Context): Outcome {
  return { output: `${JSON.stringify(featuresOf(context.native), null, 4)}\n` };
}

export function featuresOf(native: Native): Features {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: knownHookKinds(),
    mountOptions: knownMountOptions(),
    linux: linuxFeatures(native),
    annotations: {
      'org.opencontainers.runc.checkpoint.enabled': String('checkpoint' in commands),
      'rt.commit': commit(),
      'rt.version': version,
    },
    potentiallyUnsafeConfigAnnotations: ['org.systemd.property.', ...Object.values(ANNOTATIONS)].sort(),
  };
}

function linuxFeatures(native: Native): LinuxFeatures {
  return {
    namespaces: (Object.keys(CLONE_NEW) as NamespaceType[]).sort(),
    capabilities: Object.keys(CAPABILITIES),
    cgroup: {
      v1: true,
      v2: true,
      systemd: true,
      systemdUser: true,
      rdma: true,
    },
    seccomp: seccompFeatures(native),
    apparmor: { enabled: true },
    selinux: { enabled: true },
    intelRdt: { enabled: true, schemata: true, monitoring: true },
    memoryPolicy: { modes: Object.keys(MEMORY_POLICY_MODES).sort(), flags: Object.keys(MEMORY_POLICY_FLAGS).sort() },
    mountExtensions: { idmap: { enabled: true } },
    netDevices: { enabled: true },
  };
}

function seccompFeatures(native: Native): SeccompFeatures {
  const knownFlags = keys(flagBits);
  return {
    enabled: true,
    actions: keys(returnValues),
    operators: keys(operators),
    archs: knownArchitectures(),
    knownFlags,
    supportedFlags: knownFlags.filter(
      (flag) => flag !== 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' || isSince(native, 5, 19),
    ),
  };
}

function keys<Name extends string>(table: Readonly<Record<Name, unknown>>): Name[] {
  return (Object.keys(table) as Name[]).sort();
}

function isSince(native: Native, major: number, minor: number): boolean {
  const [first = 0, second = 0] = native
    .kernel()
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  return first > major || (first === major && second >= minor);
}
