import { text, u32 } from '../diag/bytes.ts';

/** What the helper says over its control socket; native/helper/record.h draws the conversation. */
export type HelperRecord =
  | { readonly kind: 'host_hooks' }
  | { readonly kind: 'ready' }
  /** `master` is a descriptor of this process now. */
  | { readonly kind: 'terminal'; readonly master: number }
  /** The helper goes on as another child of this process, the first one ends. */
  | { readonly kind: 'forked'; readonly pid: number }
  /** The process cannot fork where it is, and waits. */
  | { readonly kind: 'no_place' }
  /** The process waits for its scheduler. */
  | { readonly kind: 'scheduler' }
  /** Not what a helper says: somebody who can look into it has its socket. */
  | { readonly kind: 'forged' }
  /** `unread`: and has not read what it was told last. */
  | { readonly kind: 'end'; readonly unread?: true }
  | {
      readonly kind: 'failed';
      /** Index of the op in the program of the helper. */
      readonly op: number;
      readonly errno: number;
      /** The system call. */
      readonly call: string;
      /** What the kernel said besides (a filesystem's own words), or the head of the program that did not run. */
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
/** The value of a record that should have brought a descriptor. */
const noDescriptor = 0xffff_ffff;
const kinds = {
  failed: 1,
  hostHooks: 2,
  ready: 3,
  hookFailed: 4,
  terminal: 5,
  forked: 6,
  noPlace: 7,
  scheduler: 8,
} as const;

export function decodeRecord(buffer: ArrayBuffer): HelperRecord {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < headerSize) return { kind: 'end' };
  const kind = u32(bytes, 0);
  if (kind === kinds.ready) return { kind: 'ready' };
  if (kind === kinds.hostHooks) return { kind: 'host_hooks' };
  const value = u32(bytes, 12);
  if (kind === kinds.terminal) return value === noDescriptor ? { kind: 'forged' } : { kind: 'terminal', master: value };
  if (kind === kinds.forked) return value === 0 ? { kind: 'forged' } : { kind: 'forked', pid: value };
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
        value,
        stdout: text(detail.subarray(4, split)),
        stderr: text(detail.subarray(split)),
      },
    };
  }
  if (kind !== kinds.failed) return { kind: 'forged' };
  return { kind: 'failed', op, errno: u32(bytes, 8), call: text(bytes.subarray(headerSize, callEnd)), detail };
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
