import type { Config } from '../../schema/generated/config.ts';
import { pointerPart } from '../diag/pointer.ts';

/**
 * Annotations that engines use for settings without a property in config.json (crun(1)). Anybody who may set
 * annotations may use them, so `features` lists them as potentially unsafe.
 */
export const ANNOTATIONS = {
  delegateCgroup: 'run.oci.delegate-cgroup',
  hooksStderr: 'run.oci.hooks.stderr',
  hooksStdout: 'run.oci.hooks.stdout',
  failUnknownCall: 'run.oci.seccomp_fail_unknown_syscall',
  keepGroups: 'run.oci.keep_original_groups',
  mountContext: 'run.oci.mount_context_type',
  seccompReceiver: 'run.oci.seccomp.receiver',
  systemdSubgroup: 'run.oci.systemd.subgroup',
} as const;

type Annotated = Pick<Config, 'annotations'>;

/** A JSON pointer to an annotation. */
export function annotationPointer(name: string): string {
  return `/annotations/${pointerPart(name)}`;
}

/** The socket that receives the listener of the seccomp filter, '' for none, and its place in the config. */
export function seccompReceiver({ annotations, linux }: Config): { path: string; from: string } {
  const path = linux?.seccomp?.listenerPath ?? '';
  if (path !== '') return { path, from: '/linux/seccomp/listenerPath' };
  const name = ANNOTATIONS.seccompReceiver;
  return { path: annotations?.[name] ?? '', from: annotationPointer(name) };
}

/** The process keeps the supplementary groups of the runtime and ignores those of the config. */
export function keepsGroups({ annotations }: Annotated): boolean {
  return annotations?.[ANNOTATIONS.keepGroups] === '1';
}

/** An unknown name of a system call in the seccomp profile is an error. As in crun, the value does not matter. */
export function failsForUnknownCalls({ annotations }: Annotated): boolean {
  return annotations?.[ANNOTATIONS.failUnknownCall] !== undefined;
}

/** The mount option for `linux.mountLabel` (mount(8), "context="). */
export const mountContexts: readonly string[] = ['context', 'defcontext', 'fscontext', 'rootcontext'];

export function mountContext({ annotations }: Annotated): string {
  return annotations?.[ANNOTATIONS.mountContext] ?? 'context';
}
