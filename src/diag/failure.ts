import { Failure } from './diagnostic.ts';
import type { Diagnostic } from './diagnostic.ts';
import { locate } from './locate.ts';

/** The same failure with the line and column of each pointer into `text`, the contents of `file`. */
export function withLocations(failure: Failure, text: string, file: string): Failure {
  const located = failure.diagnostics.map((diagnostic): Diagnostic => {
    const { pointer } = diagnostic;
    if (diagnostic.location !== undefined || pointer === undefined || !pointer.startsWith('/')) return diagnostic;
    return { ...diagnostic, location: locate(text, pointer, file) };
  });
  return new Failure(located, failure.exitCode);
}

/** The same failure without places in config.json, for causes that are not in it. */
export function withoutPointers(failure: Failure, exitCode: number = failure.exitCode): Failure {
  const bare = failure.diagnostics.map((diagnostic): Diagnostic => {
    const rest: { pointer?: string } & Diagnostic = { ...diagnostic };
    delete (rest as { pointer?: string }).pointer;
    return rest;
  });
  return new Failure(bare, exitCode);
}

/** The same failure with the phase prefixed to its first message: `create failed: …`. */
export function inPhase(failure: Failure, phase: string): Failure {
  const named = failure.diagnostics.map((diagnostic, index) =>
    index === 0 ? { ...diagnostic, message: `${phase}: ${diagnostic.message}` } : diagnostic,
  );
  return new Failure(named, failure.exitCode);
}

/** Runs a step whose failure must not stop the steps after it; returns its diagnostics. */
export function attempt(step: () => void): readonly Diagnostic[] {
  try {
    step();
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.diagnostics;
    throw error;
  }
}
