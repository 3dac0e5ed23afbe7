import type { Process } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import type { PlannedOp } from './types.ts';

const unconfined = 'unconfined';

/**
 * Labels that the next execve takes on. A label on a host whose kernel would not enforce it is refused: the
 * container would run without the protection that was asked for.
 */
export function labelOps(process: Process, facts: Facts, faults: Diagnostic[]): PlannedOp[] {
  const { apparmorProfile = '', selinuxLabel = '' } = process;
  const ops: PlannedOp[] = [];
  if (apparmorProfile !== '') {
    if (facts.hasApparmor) {
      ops.push({
        op: 'security_attribute',
        name: 'apparmor/exec',
        value: `exec ${apparmorProfile}`,
        // The kernel answers the profile and its mode; the names of a namespace or stack it writes differently.
        expected: /^[^:&]+$/.test(apparmorProfile) ? apparmorProfile : '',
        from: '/process/apparmorProfile',
      });
    } else if (apparmorProfile !== unconfined) {
      faults.push({
        code: 'process.apparmor',
        message: `apparmor failed to apply profile "${apparmorProfile}": AppArmor is not enabled in the host's kernel`,
        pointer: '/process/apparmorProfile',
        hint: 'boot with apparmor=1 security=apparmor, or leave process.apparmorProfile out',
      });
    }
  }
  if (selinuxLabel !== '') {
    if (facts.hasSelinux) {
      const from = '/process/selinuxLabel';
      ops.push({ op: 'security_attribute', name: 'exec', value: selinuxLabel, expected: selinuxLabel, from });
    } else faults.push(selinuxFault('process.selinuxLabel', '/process/selinuxLabel'));
  }
  return ops;
}

/** Keys made from now on are the container's: set before its session keyring is made. */
export function keyLabelOps(process: Process, facts: Facts): PlannedOp[] {
  const { selinuxLabel = '' } = process;
  if (selinuxLabel === '' || !facts.hasSelinux) return [];
  const from = '/process/selinuxLabel';
  return [{ op: 'security_attribute', name: 'keycreate', value: selinuxLabel, expected: selinuxLabel, from }];
}

/** In the words that engines know from runc. */
function selinuxFault(field: string, pointer: string): Diagnostic {
  return {
    code: 'process.selinux',
    message: 'selinux label is specified in config, but selinux is disabled or not supported',
    pointer,
    hint: `boot with security=selinux selinux=1, or leave ${field} out`,
  };
}
