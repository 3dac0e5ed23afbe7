import { text, u32 } from './bytes.ts';

/** What the helper says over its control socket; native/helper/record.h draws the conversation. */
export type HelperRecord =
  | { readonly kind: 'host_hooks' }
  | { readonly kind: 'ready' }
  /** `master` is a descriptor of this process now. */
  | { readonly kind: 'terminal'; readonly master: number }
  /** The process goes on as another one, the first one ends. */
  | { readonly kind: 'forked'; readonly pid: number }
  /** The process cannot fork where it is, and waits. */
  | { readonly kind: 'no_place' }
  /** The process waits for its scheduler. */
  | { readonly kind: 'scheduler' }
  | { readonly kind: 'end' }
  | {
      readonly kind: 'failed';
      /** Index of the op in the program of init. */
      readonly op: number;
      readonly errno: number;
      /** The system call. */
      readonly call: string;
      /** What the kernel said besides (a filesystem's own words), or the head of the program that did not run. */
      readonly detail: Uint8Array;
    }
  | {
      readonly kind: 'stage_failed';
      /** Index of the op in the program of the stage; the rest as for `failed`. */
      readonly op: number;
      readonly errno: number;
      readonly call: string;
      readonly detail: Uint8Array;
    }
  | { readonly kind: 'hook_failed'; readonly op: number; readonly result: HookResult };

/** How a hook ended; `value` is its exit status, the signal that ended it, or the errno of execve(2). */
export interface HookResult {
  readonly outcome: 'exited' | 'signalled' | 'timed out' | 'not run';
  readonly value: number;
  /** The first 4 KiB of each. */
  readonly stdout: string;
  readonly stderr: string;
}

const headerSize = 24;
const kinds = {
  failed: 1,
  hostHooks: 2,
  ready: 3,
  hookFailed: 4,
  terminal: 5,
  forked: 6,
  stageFailed: 7,
  noPlace: 8,
  scheduler: 9,
} as const;

export function decodeRecord(buffer: ArrayBuffer): HelperRecord {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < headerSize) return { kind: 'end' };
  const kind = u32(bytes, 0);
  if (kind === kinds.ready) return { kind: 'ready' };
  if (kind === kinds.hostHooks) return { kind: 'host_hooks' };
  if (kind === kinds.terminal) return { kind: 'terminal', master: u32(bytes, 12) };
  if (kind === kinds.forked) return { kind: 'forked', pid: u32(bytes, 12) };
  if (kind === kinds.noPlace) return { kind: 'no_place' };
  if (kind === kinds.scheduler) return { kind: 'scheduler' };
  const op = u32(bytes, 4);
  const callEnd = headerSize + u32(bytes, 16);
  const detail = bytes.subarray(callEnd, callEnd + u32(bytes, 20));
  if (kind === kinds.hookFailed) {
    const split = 4 + u32(detail, 0);
    return {
      kind: 'hook_failed',
      op,
      result: {
        outcome: outcomeOf(u32(bytes, 8)),
        value: u32(bytes, 12),
        stdout: text(detail.subarray(4, split)),
        stderr: text(detail.subarray(split)),
      },
    };
  }
  const failed = kind === kinds.stageFailed ? 'stage_failed' : 'failed';
  return { kind: failed, op, errno: u32(bytes, 8), call: text(bytes.subarray(headerSize, callEnd)), detail };
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

function outcomeOf(number: number): HookResult['outcome'] {
  return (['exited', 'signalled', 'timed out', 'not run'] as const)[number] ?? 'not run';
}
