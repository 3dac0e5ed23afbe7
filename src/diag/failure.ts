import { Failure } from './diagnostic.ts';
import type { Diagnostic, Phase } from './diagnostic.ts';
import { placesIn } from './locate.ts';
import type { Places } from './locate.ts';

/** The same failure with the line and column of each pointer into `text`, the contents of `file`. */
export function withLocations(failure: Failure, text: string, file: string): Failure {
  let places: Places | undefined;
  const located = failure.diagnostics.map((diagnostic): Diagnostic => {
    const { pointer } = diagnostic;
    if (diagnostic.location !== undefined || pointer === undefined || !pointer.startsWith('/')) return diagnostic;
    return { ...diagnostic, location: (places ??= placesIn(text, file)).atPointer(pointer) };
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

/** The same failure with its phase, which begins its first message: `create failed: …`. */
export function inPhase(failure: Failure, phase: Phase): Failure {
  const words = phase === 'add mounts' || phase === 'remove mounts' ? `cannot ${phase}` : `${phase} failed`;
  const named = failure.diagnostics.map((diagnostic, index) => ({
    ...diagnostic,
    phase,
    message: index === 0 ? `${words}: ${diagnostic.message}` : diagnostic.message,
  }));
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
