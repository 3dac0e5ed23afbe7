import type { Hook } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import { errnoText } from '../diag/errno.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { decodeHookResult } from './records.ts';
import type { HookResult } from './records.ts';

export type HookKind = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

/**
 * Runs hooks of the runtime namespace one after another, each with the state on stdin (runtime-spec config.md,
 * "POSIX-platform Hooks"). Its environment is exactly `env`. The first that fails ends it with a Failure.
 */
export function runHooks(
  native: Native,
  kind: HookKind,
  hooks: readonly Hook[],
  stateJson: string,
  directory: string,
): void {
  hooks.forEach((hook, index) => {
    const args = hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args;
    const timeoutMs = (hook.timeout ?? 0) * 1000;
    const record = native.runHook(hook.path, args, hook.env ?? [], directory, stateJson, timeoutMs);
    if (typeof record === 'number') {
      throw systemFailure(
        'hook.failed',
        `error running ${kind} hook #${String(index)} "${hook.path}"`,
        'clone',
        record,
      );
    }
    const result = decodeHookResult(record);
    if (result.outcome !== 'exited' || result.value !== 0) {
      throw hookFailure(kind, index, hook, result);
    }
  });
}

export function hookFailure(kind: string, index: number, hook: Hook | undefined, result: HookResult): Failure {
  const path = hook === undefined ? '' : ` "${hook.path}"`;
  return new Failure({
    code: 'hook.failed',
    message: `error running ${kind} hook #${String(index)}${path}: ${ending(result, hook)}, stdout: ${result.stdout.trim()}, stderr: ${result.stderr.trim()}`,
    pointer: `/hooks/${kind}/${String(index)}`,
  });
}

function ending(result: HookResult, hook: Hook | undefined): string {
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
