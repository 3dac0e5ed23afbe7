import type { Process } from '../../schema/generated/config.ts';
import { capabilityMask } from '../bundle/capabilities.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName, errnoText } from '../diag/errno.ts';
import type { PlannedOp } from '../plan/types.ts';

/** An op that did less than it was asked to. */
export interface Shortfall {
  readonly op: Extract<PlannedOp, { readonly op: 'set_capabilities' | 'find_home' }>;
  readonly errno: number;
  /** Of set_capabilities: the mask of those that are not granted, 8 bytes, little endian. */
  readonly detail: Uint8Array;
}

/** The warning about it; its pointer, if any, is to a part of `process`. */
export function describeShortfall({ op, errno, detail }: Shortfall, process: Process): Diagnostic {
  switch (op.op) {
    case 'set_capabilities':
      return describeCapabilities(detail, process);
    case 'find_home':
      return {
        code: 'process.home',
        message: `cannot look up HOME in /etc/passwd of the container, so it is "/": ${passwdCause(errno)}`,
        hint: 'set HOME in process.env',
      };
  }
}

/** config.md, "Linux Process": what cannot be granted must be logged as a warning. */
function describeCapabilities(detail: Uint8Array, { capabilities = {} }: Process): Diagnostic {
  const mask = detail.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const names = new Set<string>();
  let pointer = '/process/capabilities';
  for (const [set, list] of Object.entries(capabilities) as [string, readonly string[]][]) {
    list.forEach((name, index) => {
      if ((capabilityMask([name]) & mask) === 0n) return;
      if (names.size === 0) pointer = `${pointer}/${set}/${index}`;
      names.add(name);
    });
  }
  const message = `${[...names].join(', ')} cannot be granted: rt itself does not have ${names.size === 1 ? 'it' : 'them'}`;
  return { code: 'process.capability', message, pointer };
}

/** The helper's reasons, native/helper/passwd.c. */
function passwdCause(errno: number): string {
  switch (errnoName(errno)) {
    case 'EISDIR':
      return 'it is a directory';
    case 'EINVAL':
      return 'it is not a regular file';
    case 'EFBIG':
      return 'it is larger than 1 MiB';
    case 'EBADMSG':
      return 'it has a malformed line';
    default:
      return errnoText(errno);
  }
}
