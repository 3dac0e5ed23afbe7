import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { smallMountsOrigin } from '../plan/small-mounts.ts';
import type { SmallMounts } from '../plan/small-mounts.ts';

/** When mount namespaces of containers begin as that of a kernel thread. */
export function smallMountsFor(native: Native): SmallMounts {
  const asked = native.getEnv(smallMountsOrigin);
  switch (asked) {
    case 'copy':
      return 'never';
    case 'small':
      return 'always';
  }
  if (typeof asked !== 'string' || asked === '') return 'beside-many';
  throw new Failure({
    code: 'cli.variable',
    message: `invalid value ${JSON.stringify(asked)} of the variable ${smallMountsOrigin}`,
    hint: 'set it to copy or small, or unset it',
  });
}
