import type { Process } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import type { PlannedOp } from './types.ts';

const unconfined = 'unconfined';

/**
 * Labels that take effect at the next execve. A label that the kernel would not enforce is refused: the container would
 * lack the requested protection.
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
        // The kernel returns the profile and its mode; it writes names of a namespace or stack differently.
        expected: /^[^:&]+$/.test(apparmorProfile) ? apparmorProfile : '',
        from: '/process/apparmorProfile',
      });
    } else if (apparmorProfile !== unconfined) {
      faults.push({
        code: 'process.apparmor',
        message: `apparmor failed to apply profile "${apparmorProfile}": AppArmor is not enabled in the host's kernel`,
        pointer: '/process/apparmorProfile',
        hint: 'boot with apparmor=1 security=apparmor, or remove process.apparmorProfile',
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

/** The label of keys made from now on: set before the session keyring is made. */
export function keyLabelOps(process: Process, facts: Facts): PlannedOp[] {
  const { selinuxLabel = '' } = process;
  if (selinuxLabel === '' || !facts.hasSelinux) return [];
  const from = '/process/selinuxLabel';
  return [{ op: 'security_attribute', name: 'keycreate', value: selinuxLabel, expected: selinuxLabel, from }];
}

/** With the wording of runc, which engines know. */
function selinuxFault(field: string, pointer: string): Diagnostic {
  return {
    code: 'process.selinux',
    message: 'selinux label is specified in config, but selinux is disabled or not supported',
    pointer,
    hint: `boot with security=selinux selinux=1, or remove ${field}`,
  };
}
