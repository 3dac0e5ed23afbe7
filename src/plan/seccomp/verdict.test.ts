import t from 'tap';
import type { LinuxSyscall } from '../../../schema/generated/config.ts';
import type { PlannedOp } from '../types.ts';
import { checkSeccomp } from './compile.ts';
import type { CheckedSeccomp } from './compile.ts';
import type { SeccompSection } from './profile.ts';
import { callData, simulator } from './machine.ts';
import { checkStart, exitWarning } from './start-calls.ts';

const audit = { x86_64: 0xc000_003e, aarch64: 0xc000_00b7 } as const;
/** Numbers of execve. */
const execve = { x86_64: 59, aarch64: 221 } as const;

function checked(section: SeccompSection, nativeArch: 'x86_64' | 'aarch64' = 'x86_64'): CheckedSeccomp {
  const made = checkSeccomp(section, { nativeArch, diagnostics: [] });
  if (made === undefined) throw new Error('no filter');
  return made;
}

const rule = (action: LinuxSyscall['action'], more: Partial<LinuxSyscall> = {}): LinuxSyscall => ({
  names: ['execve'],
  action,
  ...more,
});
const onlyIf = { args: [{ index: 1, value: 7, op: 'SCMP_CMP_EQ' }] } as const;
const when = (action: LinuxSyscall['action']): LinuxSyscall => rule(action, { args: [...onlyIf.args] });

t.test('verdict: equals the result of the filter itself', async (t) => {
  const profiles: readonly (readonly [string, SeccompSection, kind: string, pointer?: string])[] = [
    ['allowed by default', { defaultAction: 'SCMP_ACT_ALLOW' }, 'allowed'],
    ['logged by default', { defaultAction: 'SCMP_ACT_LOG' }, 'allowed'],
    ['traced by default', { defaultAction: 'SCMP_ACT_TRACE' }, 'open'],
    ['refused by default', { defaultAction: 'SCMP_ACT_ERRNO' }, 'refused', '/linux/seccomp/defaultAction'],
    ['errno 0', { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 0 }, 'refused', '/linux/seccomp/defaultAction'],
    ['killed by default', { defaultAction: 'SCMP_ACT_KILL' }, 'refused', '/linux/seccomp/defaultAction'],
    ['allowed', { defaultAction: 'SCMP_ACT_KILL', syscalls: [rule('SCMP_ACT_ALLOW')] }, 'allowed'],
    [
      'refused',
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule('SCMP_ACT_ALLOW'), rule('SCMP_ACT_TRAP')] },
      'refused',
      '/linux/seccomp/syscalls/1/action',
    ],
    ['refused by arguments', { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [when('SCMP_ACT_TRAP')] }, 'open'],
    ['allowed by arguments', { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [when('SCMP_ACT_ALLOW')] }, 'open'],
    [
      'refused either way',
      { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [when('SCMP_ACT_KILL')] },
      'refused',
      '/linux/seccomp/defaultAction',
    ],
    [
      'a rule without conditions decides alone',
      { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [when('SCMP_ACT_ALLOW'), rule('SCMP_ACT_KILL')] },
      'refused',
      '/linux/seccomp/syscalls/1/action',
    ],
    ['notified', { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule('SCMP_ACT_NOTIFY')] }, 'open'],
    [
      'newer than the profile',
      { defaultAction: 'SCMP_ACT_KILL', syscalls: [rule('SCMP_ACT_ALLOW', { names: ['read'] })] },
      'refused',
      '/linux/seccomp/defaultAction',
    ],
    [
      'for another architecture',
      { defaultAction: 'SCMP_ACT_KILL', architectures: ['SCMP_ARCH_X86'], syscalls: [rule('SCMP_ACT_ALLOW')] },
      'allowed',
    ],
  ];
  for (const arch of ['x86_64', 'aarch64'] as const) {
    for (const [what, section, kind, pointer] of profiles) {
      const { verdict, filter } = checked(section, arch);
      const found = verdict('execve');
      t.equal(found.kind, kind, `${arch}: ${what}`);
      if (found.kind !== 'refused') continue;
      t.equal(found.pointer, pointer, `${arch}: ${what}`);
      const answer = simulator(filter())(callData(audit[arch], execve[arch]));
      t.equal(found.value, answer, `${arch}: ${what}`);
    }
  }
});

const load = (atExecve: number): PlannedOp => ({ op: 'seccomp', flags: 0, atExecve, from: '/linux/seccomp' });
const wait: PlannedOp = { op: 'await_start', how: 1, from: 'default' };
const execute: PlannedOp = { op: 'exec', args: ['a'], env: [], from: '/process/args' };

t.test('checkStart: calls after the filter must be allowed, earlier ones need not', async (t) => {
  const noAccept = checked({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [rule('SCMP_ACT_ERRNO', { names: ['accept4', 'close'] })],
  });
  const { fault } = checkStart([load(0), wait, execute], noAccept.verdict);
  t.match(fault, {
    code: 'seccomp.start',
    message: 'linux.seccomp answers accept4 with ERRNO(1): the program could never start',
    pointer: '/linux/seccomp/syscalls/0/action',
  });
  t.match(fault?.hint, /^allow accept4, or set process\.noNewPrivileges/, 'nobody looks at the result of close');
  const killed = checked({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [rule('SCMP_ACT_KILL', { names: ['accept4', 'close'] })],
  });
  t.match(checkStart([load(0), wait, execute], killed.verdict).fault?.hint, /^allow accept4, close, or/);
  t.strictSame(checkStart([wait, load(1), execute], noAccept.verdict), { fault: undefined, uncertain: false });
  t.strictSame(checkStart([wait, execute], undefined), { fault: undefined, uncertain: false });
});

t.test('checkStart: a call that depends on its arguments leaves the start uncertain', async (t) => {
  const { verdict } = checked({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [when('SCMP_ACT_KILL')] });
  t.strictSame(checkStart([wait, load(1), execute], verdict), { fault: undefined, uncertain: true });
});

t.test('checkStart: so does a refusal that ends the process only for some arguments', async (t) => {
  const some = (defaultAction: LinuxSyscall['action'], action: LinuxSyscall['action']): CheckedSeccomp =>
    checked({
      defaultAction,
      syscalls: [
        rule('SCMP_ACT_ALLOW', { names: ['execve', 'accept4', 'read', 'recvmsg', 'recvfrom', 'getpid'] }),
        rule(action, { names: ['close'], args: [...onlyIf.args] }),
      ],
    });
  const certain = checkStart([load(0), wait, execute], some('SCMP_ACT_KILL', 'SCMP_ACT_TRAP').verdict);
  t.match(certain.fault?.hint, /close/);
  const either = checkStart([load(0), wait, execute], some('SCMP_ACT_KILL', 'SCMP_ACT_ERRNO').verdict);
  t.notMatch(either.fault?.hint, /close/);
  t.equal(either.uncertain, true);
  const other = checkStart([load(0), wait, execute], some('SCMP_ACT_ERRNO', 'SCMP_ACT_KILL').verdict);
  t.equal(other.uncertain, true);
});

t.test('exitWarning: only for a program that certainly cannot exit', async (t) => {
  const exit = { names: ['exit_group'] };
  const of = (syscall: LinuxSyscall) =>
    exitWarning(checked({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [syscall] }).verdict);
  t.match(of(rule('SCMP_ACT_ERRNO', exit))?.message, /exit_group with ERRNO\(1\)/);
  t.equal(of(rule('SCMP_ACT_ERRNO', { ...exit, args: [...onlyIf.args] })), undefined);
  t.equal(of(rule('SCMP_ACT_TRACE', exit)), undefined);
  t.equal(exitWarning(undefined), undefined);
});
