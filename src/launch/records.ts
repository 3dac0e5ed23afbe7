import { ANNOUNCED_WAITS, RECORD, WAIT } from '../../schema/generated/protocol.ts';
import type { AnnouncedWait } from '../../schema/generated/protocol.ts';
import { text, u32 } from '../diag/bytes.ts';
import { outcomeOf } from '../hooks/result.ts';
import type { HookResult } from '../hooks/result.ts';

/** An op that could not do what it was asked to. */
export interface Failed {
  /** Its index in the program of the helper. */
  readonly op: number;
  readonly errno: number;
  /** The system call. */
  readonly call: string;
  /** Further text from the kernel (a filesystem's error message), or bytes of which the op knows the meaning. */
  readonly detail: Uint8Array;
}

/** A record that the helper sends over its control socket; docs/protocol.md draws the conversation. */
export type HelperRecord =
  | { readonly kind: 'waiting'; readonly wait: AnnouncedWait }
  | { readonly kind: 'ready' }
  /** `master` is now a descriptor of this process. */
  | { readonly kind: 'terminal'; readonly master: number }
  /** The helper continues as another child of this process; the first one ends. */
  | { readonly kind: 'forked'; readonly pid: number }
  /** As forked; that child waits to be moved into the container's cgroup. */
  | { readonly kind: 'forked_outside'; readonly pid: number }
  /** Sent not by the helper but by a process that has got hold of its socket. */
  | { readonly kind: 'forged' }
  /** `unread`: it has not read the last message sent to it. */
  | { readonly kind: 'end'; readonly unread?: true }
  | ({ readonly kind: 'failed' } & Failed)
  /** As failed, but the helper continues. */
  | ({ readonly kind: 'incomplete' } & Failed)
  | { readonly kind: 'hook_failed'; readonly op: number; readonly result: HookResult };

/** The filter of the helper, or of the program that it executes, asks over this descriptor. */
interface ListenerRecord {
  readonly kind: 'listener';
  readonly listener: number;
}

const headerSize = 24;
/** The value of a record that lacks its descriptor. */
const noDescriptor = 0xffff_ffff;

export function decodeRecord(buffer: ArrayBuffer): HelperRecord | ListenerRecord {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < headerSize) return { kind: 'end' };
  const kind = u32(bytes, 0);
  if (kind === RECORD.ready) return { kind: 'ready' };
  const value = u32(bytes, 12);
  if (kind === RECORD.waiting) {
    const wait = ANNOUNCED_WAITS.find((name) => WAIT[name] === value);
    return wait === undefined ? { kind: 'forged' } : { kind: 'waiting', wait };
  }
  if (kind === RECORD.terminal)
    return value === noDescriptor ? { kind: 'forged' } : { kind: 'terminal', master: value };
  if (kind === RECORD.listener)
    return value === noDescriptor ? { kind: 'forged' } : { kind: 'listener', listener: value };
  if (kind === RECORD.forked) return value === 0 ? { kind: 'forged' } : { kind: 'forked', pid: value };
  if (kind === RECORD.forked_outside) return value === 0 ? { kind: 'forged' } : { kind: 'forked_outside', pid: value };
  const op = u32(bytes, 4);
  const callEnd = headerSize + u32(bytes, 16);
  const detail = bytes.subarray(callEnd, callEnd + u32(bytes, 20));
  if (kind === RECORD.hook_failed) {
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
  if (kind !== RECORD.failed && kind !== RECORD.incomplete) return { kind: 'forged' };
  const failed = { op, errno: u32(bytes, 8), call: text(bytes.subarray(headerSize, callEnd)), detail };
  return { kind: kind === RECORD.failed ? 'failed' : 'incomplete', ...failed };
}
