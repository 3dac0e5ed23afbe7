import t from 'tap';
import type { LinuxSeccomp, LinuxSeccompArg, SeccompOperator } from '../../../schema/generated/config.ts';
import type { Diagnostic, Failure } from '../../diag/diagnostic.ts';
import { nameOfReturn } from './action-words.ts';
import { disassemble } from './bpf.ts';
import { checkSeccomp } from './compile.ts';
import type { CheckedSeccomp } from './compile.ts';
import type { SeccompSection } from './profile.ts';
import { callData, simulator } from './machine.ts';

const x86_64 = 0xc000_003e;
const x86 = 0x4000_0003;
const x32Bit = 0x4000_0000;

function compile(section: SeccompSection): CheckedSeccomp {
  const diagnostics: Diagnostic[] = [];
  const compiled = checkSeccomp(section, { nativeArch: 'x86_64', diagnostics });
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics));
  return compiled;
}

/** The verdicts of a section by name, such as `ERRNO(1)`. */
function verdicts(section: SeccompSection): (number: number, values?: readonly bigint[], arch?: number) => string {
  const answer = simulator(compile(section).filter());
  return (number, values = [], arch = x86_64) => nameOfReturn(answer(callData(arch, number, values)));
}

function faults(section: SeccompSection): string[] {
  const diagnostics: Diagnostic[] = [];
  t.equal(checkSeccomp(section, { nativeArch: 'x86_64', diagnostics }), undefined);
  return diagnostics.map(({ pointer, message }) => `${pointer}: ${message}`);
}

const readOnly: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  syscalls: [{ names: ['read', 'getpid'], action: 'SCMP_ACT_ALLOW' }],
};

t.test('checkSeccomp makes one comparison per lone call', (t) => {
  t.same(disassemble(compile(readOnly).filter()), [
    '0: load architecture',
    '1: if == 0xc000003e goto 3 else 2',
    '2: return KILL_THREAD',
    '3: load number',
    '4: if >= 0x28 goto 9 else 5',
    '5: if == 0x0 goto 7 else 6',
    '6: if == 0x27 goto 7 else 8',
    '7: return ALLOW',
    '8: return ERRNO(1)',
    '9: return ERRNO(38)',
  ]);
  t.end();
});

t.test('checkSeccomp returns nothing for a section without effect', (t) => {
  t.same(faults({}), []);
  t.same(faults({ architectures: ['SCMP_ARCH_X86'], syscalls: [] }), []);
  t.same(faults({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] }), [
    '/linux/seccomp: rules without a default action',
  ]);
  t.end();
});

t.test('checkSeccomp returns ENOSYS above the highest known call', (t) => {
  const verdict = verdicts(readOnly);
  t.equal(verdict(38), 'ERRNO(1)');
  t.equal(verdict(39), 'ALLOW');
  t.equal(verdict(40), 'ERRNO(38)');
  t.equal(verdict(x32Bit), 'ERRNO(38)', 'x32 is not listed');
  t.equal(verdict(0xffff_ffff), 'ERRNO(38)');
  const withTrap = verdicts({ ...readOnly, defaultAction: 'SCMP_ACT_KILL_PROCESS' });
  t.same([withTrap(38), withTrap(40)], ['KILL_PROCESS', 'ERRNO(38)']);
  t.end();
});

t.test('checkSeccomp leaves newer calls to defaults that are permissive or ENOSYS anyway', (t) => {
  for (const defaultAction of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const) {
    const verdict = verdicts({ defaultAction, syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO' }] });
    t.equal(verdict(400), verdict(1));
    t.equal(verdict(x32Bit + 1), 'KILL_THREAD', 'an ABI that is not listed');
    t.equal(verdict(0xffff_ffff), verdict(1), 'a call that a tracer cancelled');
  }
  const verdict = verdicts({ ...readOnly, defaultErrnoRet: 38 });
  t.same([verdict(1), verdict(40), verdict(x32Bit)], ['ERRNO(38)', 'ERRNO(38)', 'KILL_THREAD']);
  t.end();
});

t.test('checkSeccomp counts a call that repeats the default action as known', (t) => {
  const verdict = verdicts({
    ...readOnly,
    syscalls: [...(readOnly.syscalls ?? []), { names: ['statx'], action: 'SCMP_ACT_ERRNO' }],
  });
  t.same([verdict(331), verdict(332), verdict(333)], ['ERRNO(1)', 'ERRNO(1)', 'ERRNO(38)']);
  t.end();
});

t.test('checkSeccomp lets the first rule without conditions decide', (t) => {
  const args: LinuxSeccompArg[] = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }];
  const verdict = verdicts({
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_TRAP', args },
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
      { names: ['read'], action: 'SCMP_ACT_LOG' },
      { names: ['write'], action: 'SCMP_ACT_TRAP', args },
      { names: ['close'], action: 'SCMP_ACT_ERRNO', args },
      { names: ['close'], action: 'SCMP_ACT_LOG', args },
      { names: ['close'], action: 'SCMP_ACT_TRAP', args: [{ index: 0, value: 3, op: 'SCMP_CMP_LT' }] },
    ],
  });
  t.same([verdict(0, [1n]), verdict(1, [1n])], ['ALLOW', 'ALLOW']);
  t.same(
    [verdict(3, [1n]), verdict(3, [2n]), verdict(3, [3n])],
    ['LOG', 'TRAP', 'ERRNO(1)'],
    'in order of the profile',
  );
  t.end();
});

t.test('checkSeccomp handles calls behind socketcall on i386', (t) => {
  const verdict = verdicts({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86'],
    syscalls: [
      { names: ['accept'], action: 'SCMP_ACT_ALLOW' },
      { names: ['socket'], action: 'SCMP_ACT_LOG', args: [{ index: 0, value: 1, op: 'SCMP_CMP_NE' }] },
    ],
  });
  t.same([verdict(102, [5n], x86), verdict(102, [1n], x86), verdict(102, [2n], x86)], ['ALLOW', 'LOG', 'ERRNO(1)']);
  t.same([verdict(359, [1n], x86), verdict(359, [2n], x86), verdict(360, [], x86)], ['ERRNO(1)', 'LOG', 'ERRNO(38)']);
  t.equal(verdict(43), 'ALLOW');
  t.end();
});

t.test('checkSeccomp refuses architectures that are not listed', (t) => {
  t.equal(verdicts(readOnly)(3, [], x86), 'KILL_THREAD');
  t.equal(verdicts({ ...readOnly, architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_S390X'] })(3, [], x86), 'ALLOW');
  const x32 = verdicts({ ...readOnly, architectures: ['SCMP_ARCH_X32'] });
  t.same([x32(x32Bit), x32(x32Bit + 1), x32(x32Bit + 40)], ['ALLOW', 'ERRNO(1)', 'ERRNO(38)']);
  t.end();
});

t.test('checkSeccomp sets the flags of seccomp(2)', (t) => {
  t.equal(compile(readOnly).flags, 4, 'no list: SPEC_ALLOW');
  t.equal(compile({ ...readOnly, flags: [] }).flags, 0);
  t.equal(compile({ ...readOnly, flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'] }).flags, 2);
  const flags: SeccompSection['flags'] = ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'];
  t.equal(compile({ ...readOnly, flags }).flags, 0, 'the kernel refuses it without a listener');
  const notify = compile({ ...readOnly, flags, syscalls: [{ names: ['read'], action: 'SCMP_ACT_NOTIFY' }] });
  t.same([notify.flags, notify.notifies], [32, true]);
  t.end();
});

t.test('checkSeccomp reports every fault with its place', (t) => {
  const section = JSON.parse(`{
    "defaultAction": "SCMP_ACT_NOTIFY", "flags": ["SECCOMP_FILTER_FLAG_NEW"],
    "syscalls": [
      { "names": ["read", "write"], "action": "SCMP_ACT_NOTIFY" },
      { "names": ["read"], "action": "SCMP_ACT_ASK" },
      { "names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{ "index": 6, "value": 0, "op": "SCMP_CMP_IN" }] }
    ]
  }`) as SeccompSection;
  t.same(faults(section), [
    '/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action',
    '/linux/seccomp/syscalls/1/action: unknown seccomp action "SCMP_ACT_ASK"',
    '/linux/seccomp/syscalls/2/args/0/op: unknown seccomp operator "SCMP_CMP_IN"',
    '/linux/seccomp/syscalls/2/args/0/index: invalid argument index "6": a system call has the arguments 0 to 5',
    '/linux/seccomp/flags/0: unknown seccomp flag "SECCOMP_FILTER_FLAG_NEW"',
  ]);
  t.end();
});

t.test('checkSeccomp refuses a filter that the kernel would refuse', (t) => {
  const args = (value: number): LinuxSeccompArg[] => [{ index: 0, value, op: 'SCMP_CMP_EQ' }];
  const syscalls = Array.from({ length: 1100 }, (_, value) => ({
    names: ['read'],
    action: 'SCMP_ACT_ALLOW' as const,
    args: args(value),
  }));
  const { filter } = compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls });
  t.plan(2);
  try {
    filter();
  } catch (error) {
    const [fault] = (error as Failure).diagnostics;
    t.match(fault?.message, /it needs 44\d\d instructions, the kernel accepts 4096/);
    t.equal(fault?.pointer, '/linux/seccomp/syscalls');
  }
});

t.test('checkSeccomp: names without a number change nothing', (t) => {
  const filterOf = (...names: string[]): Uint8Array | undefined =>
    checkSeccomp(
      { ...readOnly, syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] },
      { nativeArch: 'x86_64', diagnostics: [] },
    )?.filter();
  t.same(filterOf('read', 'cacheflush', 'no_such_call', '-'), filterOf('read'));
  t.notSame(filterOf('read', 'accept'), filterOf('read'));
  t.end();
});

/** A comparison of the profile, literally and on integers: the model for the compiled comparisons. */
function holds({ index, op, value, valueTwo }: LinuxSeccompArg, values: readonly bigint[], bits: number): boolean {
  const is = BigInt.asUintN(bits, values[index] ?? 0n);
  const first = BigInt.asUintN(bits, BigInt(value));
  const second = BigInt.asUintN(bits, BigInt(valueTwo ?? 0));
  switch (op) {
    case 'SCMP_CMP_EQ':
      return is === first;
    case 'SCMP_CMP_NE':
      return is !== first;
    case 'SCMP_CMP_LT':
      return is < first;
    case 'SCMP_CMP_LE':
      return is <= first;
    case 'SCMP_CMP_GT':
      return is > first;
    case 'SCMP_CMP_GE':
      return is >= first;
    case 'SCMP_CMP_MASKED_EQ':
      return (is & first) === (second & first);
  }
}

const operators: readonly SeccompOperator[] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
];
const values = [
  ...[0n, 1n, 2n, 5n, 0xffff_fffen, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n, 0x5_0000_0002n],
  ...[0x8000_0000n, 0xffff_ffff_0000_0000n, 0xffff_ffff_ffff_ffffn],
];

t.test('checkSeccomp compares one argument with each operator of the profile, in 64 and 32 bits', (t) => {
  for (const op of operators) {
    const wrong: string[] = [];
    for (const value of values) {
      for (const valueTwo of op === 'SCMP_CMP_MASKED_EQ' ? values : [0n]) {
        for (const index of [0, 5]) {
          const arg: LinuxSeccompArg = { index, value, valueTwo, op };
          const verdict = verdicts({
            defaultAction: 'SCMP_ACT_ERRNO',
            architectures: ['SCMP_ARCH_X86'],
            syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [arg] }],
          });
          for (const is of values) {
            const list = [...Array<bigint>(index).fill(7n), is];
            const wide = verdict(0, list) === 'ALLOW';
            const narrow = verdict(3, list, x86) === 'ALLOW';
            if (wide !== holds(arg, list, 64)) wrong.push(`${is} ${op} ${value} ${valueTwo}: ${wide}`);
            if (narrow !== holds(arg, list, 32)) wrong.push(`${is} ${op} ${value} ${valueTwo} in 32 bits: ${narrow}`);
          }
        }
      }
    }
    t.same(wrong, [], op);
  }
  t.end();
});

t.test('checkSeccomp joins rules by OR, conditions on different arguments by AND, on the same one by OR', (t) => {
  // A fixed sequence, so that a failure can be repeated.
  let state = 42;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const wrong: string[] = [];
  for (let round = 0; round < 200; round++) {
    const rules = Array.from({ length: 1 + random(3) }, () =>
      Array.from({ length: 1 + random(3) }, (): LinuxSeccompArg => {
        return { index: random(3), value: pick(values), valueTwo: pick(values), op: pick(operators) };
      }),
    );
    const verdict = verdicts({
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: rules.map((args) => ({ names: ['read'], action: 'SCMP_ACT_ALLOW', args })),
    });
    for (let call = 0; call < 50; call++) {
      const list = [pick(values), pick(values), pick(values)];
      const should = rules.some((args) => {
        const repeats = new Set(args.map(({ index }) => index)).size < args.length;
        return repeats ? args.some((arg) => holds(arg, list, 64)) : args.every((arg) => holds(arg, list, 64));
      });
      if ((verdict(0, list) === 'ALLOW') !== should) wrong.push(`round ${round}: ${list.join()}`);
    }
  }
  t.same(wrong, []);
  t.end();
});
