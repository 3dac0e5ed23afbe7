import t from 'tap';
import { FakeHost } from '../../test/fake-host.ts';
import type { Config, LinuxSeccomp } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { AUDIT_ARCH_X86_64, SECCOMP_RET } from '../kernel/seccomp.ts';
import { Watch } from '../launch/watch.ts';
import { checkSeccomp } from '../plan/seccomp/compile.ts';
import { callData } from '../plan/seccomp/machine.ts';
import { argumentsOf } from '../plan/seccomp/watched.ts';
import { cureFor, reportDenied } from './denied.ts';

/** Reports refused calls: those told at once, and those told at the end. */
function reports(names: readonly (readonly [name: string, text: string])[]): readonly [number, readonly string[]] {
  const profile = checkSeccomp({ defaultAction: 'SCMP_ACT_ERRNO' }, { nativeArch: 'x86_64', diagnostics: [] });
  if (profile === undefined) throw new Error('no filter');
  const { native } = new FakeHost();
  const watch = new Watch(native, profile.watched('refused'));
  const told: Diagnostic[] = [];
  const context = {
    native,
    options: {},
    globals: {},
    operands: [],
    debug: () => undefined,
    warn: (list: readonly Diagnostic[]) => void told.push(...list),
  };
  const config: Config = { ociVersion: '1.2.0' };
  const end = reportDenied(context, watch, { kind: 'none' }, { config, locate: (failure) => failure });
  for (const [name, text] of names) {
    const otherwise = { action: SECCOMP_RET.ERRNO + 1, pointer: '/linux/seccomp/defaultAction' };
    watch.onCall?.({
      ...{ ...otherwise, audit: AUDIT_ARCH_X86_64, number: 0, own: true, pid: 1, program: 'p', text, values: [] },
      ...{ waits: () => true, string: () => undefined, bytes: () => undefined },
      call: { name, rules: [], otherwise, newer: false, wide: false },
    });
  }
  return [told.length, end().map(({ message }) => message)];
}

t.test('reportDenied: of each call ten are told, of all without a name together, and the others counted', async (t) => {
  const numbers = Array.from({ length: 300 }, (_, index) => index);
  t.strictSame(reports(numbers.map((at) => ['', `call ${5000 + at}()`])), [
    10,
    ['other calls without a name: 290 times'],
  ]);
  t.strictSame(reports(numbers.slice(0, 11).map((at) => ['read', `read(${at})`])), [
    10,
    ['read with other arguments: 1 time'],
  ]);
});

const kill = 62;
const allow = 'add {"names": ["kill"], "action": "SCMP_ACT_ALLOW"} to linux.seccomp.syscalls';

function cure(section: LinuxSeccomp, ...values: bigint[]): string | undefined {
  const data = callData(0xc000_003e, kill, values);
  const checked = checkSeccomp(section, { nativeArch: 'x86_64', diagnostics: [] });
  const judged = checked?.watched('refused').judge(data);
  const config = { ociVersion: '1.3.0', linux: { seccomp: section } };
  return judged && cureFor({ ...judged, values: argumentsOf(data) }, config);
}

t.test('cureFor: tells the conditions that refuse a call, or keep it from being allowed', async (t) => {
  const args = [{ index: 1, value: 9, op: 'SCMP_CMP_EQ' as const }];
  const names = ['kill'];
  t.equal(
    cure({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO', args }] }, 7n, 9n),
    `that is so if argument 1 == SIGKILL; to allow the call with any arguments, ${allow}: a rule without conditions decides alone`,
  );
  t.equal(
    cure({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names, action: 'SCMP_ACT_ALLOW', args }] }, 7n, 8n),
    `${allow}; it allows the call with any arguments, now only if (argument 1 == SIGKILL)`,
  );
  t.equal(cure({ defaultAction: 'SCMP_ACT_ERRNO' }, 7n, 8n), allow);
  t.equal(
    cure({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }] }),
    'remove "kill" from the names there',
  );
});
