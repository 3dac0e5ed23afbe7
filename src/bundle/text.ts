import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { dotted, pointerPart } from '../diag/pointer.ts';

/**
 * Strings that cannot be passed to the kernel: NUL ends a string there, and an unpaired surrogate has no UTF-8 form.
 * Annotations and sections for other platforms are not checked, since the kernel never sees them.
 */
export function textFaults(config: Config): Diagnostic[] {
  const { root, process, hostname, domainname, mounts, hooks, linux } = config;
  const faults: Diagnostic[] = [];
  // A work list instead of recursion: unknown members may be nested deeply.
  const work: [pointer: string, value: unknown][] = Object.entries({
    linux,
    hooks,
    mounts,
    domainname,
    hostname,
    process,
    root,
  }).map(([name, value]) => [`/${name}`, value]);
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const [pointer, value] = next;
    if (typeof value === 'string') {
      const cause = faultOf(value);
      if (cause !== undefined) faults.push(diagnostic(pointer, cause));
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value).reverse()) {
        const place = `${pointer}/${pointerPart(name)}`;
        const cause = faultOf(name);
        if (cause === undefined) work.push([place, member]);
        else faults.push(diagnostic(place, `has a name that ${cause}`));
      }
    }
  }
  return faults;
}

function faultOf(text: string): string | undefined {
  if (text.includes('\0')) return 'contains a NUL character';
  // With the u flag a pair is one character, so only unpaired surrogates match.
  if (/[\uD800-\uDFFF]/u.test(text)) return 'contains an unpaired surrogate, which has no UTF-8 form';
  return undefined;
}

function diagnostic(pointer: string, cause: string): Diagnostic {
  const environment = pointer.startsWith('/process/env/') ? 'invalid environment variable: ' : '';
  return { code: 'config.text', pointer, message: `${environment}${dotted(pointer)} ${cause}` };
}
