import type { Hook } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import { errnoText } from '../diag/errno.ts';
import { lookInto } from '../diag/look.ts';
import type { Look } from '../diag/look.ts';
import { systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { EINVAL } from '../kernel/errno.ts';
import { S_IFMT, S_IFREG } from '../kernel/files.ts';
import { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } from '../kernel/open-flags.ts';
import { hookTimeout } from '../plan/hooks.ts';
import type { HookOutput, HookOutputs } from '../plan/hooks.ts';
import { causeOf } from '../words/program.ts';
import { decodeHookResult } from './result.ts';
import type { HookResult } from './result.ts';

export type HookKind = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

/** The inputs of hooks in the runtime namespace. */
export interface HookSurroundings {
  /** Their standard input, JSON. */
  readonly state: string;
  /** Their working directory, absolute. */
  readonly bundle: string;
  readonly outputs: HookOutputs;
}

/**
 * Runs hooks of the runtime namespace one after another, each with the state on stdin (runtime-spec config.md,
 * "POSIX-platform Hooks"). Their environment is exactly `env`, or this process's if that is absent. The first failure is
 * thrown and ends the sequence.
 */
export function runHooks(native: Native, kind: HookKind, hooks: readonly Hook[], surroundings: HookSurroundings): void {
  hooks.forEach((hook, index) => {
    runHook(native, kind, hook, index, surroundings);
  });
}

/** `index` is the hook's position in the list of its kind. */
export function runHook(
  native: Native,
  kind: HookKind,
  hook: Hook,
  index: number,
  { state, bundle, outputs }: HookSurroundings,
): void {
  const stdout = openOutput(native, bundle, outputs.stdout);
  const stderr = openOutput(native, bundle, outputs.stderr);
  const args = hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args;
  const timeoutMs = hookTimeout(hook);
  const { path, env = [] } = hook;
  const inherit = Number(hook.env === undefined);
  const record = phase(`hook ${kind} #${String(index)} "${path}"`, () =>
    native.runHook(path, args, env, bundle, state, timeoutMs, stdout, stderr, inherit),
  );
  for (const descriptor of [stdout, stderr]) if (descriptor >= 0) native.close(descriptor);
  if (typeof record === 'number') {
    throw systemFailure('hook.failed', `error running ${kind} hook #${String(index)} "${hook.path}"`, 'clone', record);
  }
  const result = decodeHookResult(record);
  if (result.outcome !== 'exited' || result.value !== 0) {
    throw hookFailure(kind, index, hook, result, lookInto(native, 'self'));
  }
}

const appending = O_WRONLY | O_CREAT | O_NOCTTY | O_APPEND | O_NONBLOCK | O_NOFOLLOW;

/** -1: captured. Only a regular file inside the bundle is accepted: no symbolic or hard link to another place. */
function openOutput(native: Native, bundle: string, output: HookOutput | undefined): number {
  if (output === undefined) return -1;
  const path = `${bundle}/${output.name}`;
  const descriptor = native.open(path, appending, 0o600);
  const status = descriptor < 0 ? descriptor : native.statAt(descriptor, '');
  if (typeof status !== 'number' && isOneRegularFile(status)) return descriptor;
  if (descriptor >= 0) native.close(descriptor);
  const { diagnostics } = systemFailure(
    'hook.output',
    `cannot append the output of hooks to "${path}"`,
    'open',
    typeof status === 'number' ? status : -EINVAL,
  );
  throw new Failure(diagnostics.map((diagnostic) => ({ ...diagnostic, pointer: output.from })));
}

function isOneRegularFile([mode = 0, , , , , , , links]: readonly number[]): boolean {
  return (mode & S_IFMT) === S_IFREG && links === 1;
}

export function hookFailure(
  kind: string,
  index: number,
  hook: Pick<Hook, 'path' | 'timeout'> | undefined,
  result: HookResult,
  look?: Look,
): Failure {
  const path = hook === undefined ? '' : ` "${hook.path}"`;
  const cause =
    hook === undefined || look === undefined || result.outcome !== 'not run'
      ? undefined
      : causeOf({ ...look, isHost: kind !== 'startContainer' }, hook.path, result.value);
  return new Failure({
    code: 'hook.failed',
    message: `error running ${kind} hook #${String(index)}${path}: ${ending(result, hook)}${cause?.words ?? ''}`,
    ...(result.outcome === 'not run'
      ? {}
      : { output: `, stdout: ${result.stdout.trim()}, stderr: ${result.stderr.trim()}` }),
    pointer: `/hooks/${kind}/${String(index)}`,
    ...(cause?.hint === undefined ? {} : { hint: cause.hint }),
  });
}

function ending(result: HookResult, hook: Pick<Hook, 'timeout'> | undefined): string {
  switch (result.outcome) {
    case 'exited':
      return `exit status ${String(result.value)}`;
    case 'signalled':
      return `signal ${String(result.value)}`;
    case 'timed out':
      return `hook ran past specified timeout of ${(hook?.timeout ?? 0).toFixed(1)}s`;
    case 'not run':
      return errnoText(result.value);
  }
}
