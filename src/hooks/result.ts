import { text, u32 } from '../diag/bytes.ts';

/** How a hook ended; `value` is its exit status, the signal that ended it, or the errno of execve(2). */
export interface HookResult {
  readonly outcome: 'exited' | 'signalled' | 'timed out' | 'not run';
  readonly value: number;
  /** The last 4 KiB of each, after `...` if there was more. */
  readonly stdout: string;
  readonly stderr: string;
}

/** The result of the native function runHook. */
export function decodeHookResult(buffer: ArrayBuffer): HookResult {
  const bytes = new Uint8Array(buffer);
  const outEnd = 12 + u32(bytes, 8);
  return {
    outcome: outcomeOf(u32(bytes, 0)),
    value: u32(bytes, 4),
    stdout: text(bytes.subarray(12, outEnd)),
    stderr: text(bytes.subarray(outEnd + 4)),
  };
}

/** The outcome that the helper sends as a number. */
export function outcomeOf(number: number): HookResult['outcome'] {
  return (['exited', 'signalled', 'timed out', 'not run'] as const)[number] ?? 'not run';
}
