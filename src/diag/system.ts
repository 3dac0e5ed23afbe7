import type { Native } from '../host/native.ts';
import { EACCES, ENOENT, ENOTDIR, ESRCH } from '../kernel/errno.ts';
import { Failure } from './diagnostic.ts';
import type { Code, Diagnostic } from './diagnostic.ts';
import { errnoName, errnoText } from './errno.ts';
import { denialOf, lookInto } from './look.ts';

/** The failure of a system call. `result`: the negative errno that a native function returned. */
export function systemFailure(code: Code, action: string, syscall: string, result: number, hint?: string): Failure {
  const diagnostic: Diagnostic = {
    code,
    message: `${action}: ${errnoText(-result)} (${syscall})`,
    errno: errnoName(-result),
    syscall,
  };
  return new Failure(hint === undefined ? diagnostic : { ...diagnostic, hint });
}

/** As systemFailure, for a path of the host: a refusal names the folder or file that refuses. */
export function pathFailure(
  native: Native,
  code: Code,
  action: string,
  syscall: string,
  result: number,
  path: string,
): Failure {
  const plain = systemFailure(code, action, syscall, result);
  const denial = result === -EACCES ? denialOf(lookInto(native, 'self'), path) : undefined;
  if (denial === undefined) return plain;
  const { words, hint } = denial;
  return new Failure(
    plain.diagnostics.map((fault) => ({
      ...fault,
      message: fault.message + words,
      ...(hint === undefined ? {} : { hint }),
    })),
  );
}

/** The result of a native function; throws a Failure for a negative errno. */
export function expectDone(result: number, code: Code, action: string, syscall: string): number {
  if (result < 0) throw systemFailure(code, action, syscall, result);
  return result;
}

/** As expectDone, for native functions whose result is not a number. */
export function expectResult<T>(result: T | number, code: Code, action: string, syscall: string): T {
  if (typeof result === 'number') throw systemFailure(code, action, syscall, result);
  return result;
}

/**
 * True for the negative errnos that mean that the object does not exist. No other error means that: treating, for
 * example, EMFILE as "does not exist" would lose a container.
 */
export function isAbsent(result: number): boolean {
  return result === -ENOENT || result === -ENOTDIR || result === -ESRCH;
}

/** As expectResult, but undefined if the object does not exist. */
export function expectIfPresent<T>(result: T | number, code: Code, action: string, syscall: string): T | undefined {
  return typeof result === 'number' && isAbsent(result) ? undefined : expectResult(result, code, action, syscall);
}
