import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { callData, simulator } from './machine.ts';
import { architecturesOf } from './architectures.ts';
import { checkSeccomp } from './compile.ts';
import { Decisions, decide } from './deciding.ts';
import { readProfile } from './profile.ts';
import type { SeccompSection } from './profile.ts';

const folder = new URL('../../../conformance/seccomp/profiles/', import.meta.url);
const profiles = readdirSync(folder).map(
  (name) => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as SeccompSection] as const,
);

/** Values at which a comparison of the profile changes its result, and some others. */
function samples(section: SeccompSection): bigint[] {
  const values = (section.syscalls ?? []).flatMap(({ args = [] }) =>
    args.flatMap(({ value, valueTwo = 0 }) => [BigInt(value), BigInt(valueTwo)]),
  );
  const near = values.flatMap((value) => [value - 1n, value, value + 1n, value | (1n << 32n)]);
  return [...new Set([0n, 2n ** 64n - 1n, ...near].map((value) => BigInt.asUintN(64, value)))].slice(0, 40);
}

t.test('decide: equals the result of the filter, for each call and architecture', (t) => {
  for (const machine of ['x86_64', 'aarch64']) {
    for (const [name, section] of profiles) {
      const checked = checkSeccomp(section, { nativeArch: machine, diagnostics: [] });
      const profile = readProfile(section, []);
      if (checked === undefined || profile === undefined) throw new Error(`${name} has no effect`);
      const answer = simulator(checked.filter());
      const decisions = new Decisions(section, profile);
      const values = samples(section);
      let different = '';
      for (const architecture of architecturesOf(machine, section.architectures ?? [])) {
        for (const number of architecture.spaces.flatMap(({ first }) =>
          Array.from({ length: 600 }, (_, n) => first + n),
        )) {
          const call = decisions.of(architecture, number);
          const sets =
            call.rules.length === 0
              ? [[]]
              : values.map((value, at) => values.map((_, i) => values[(at * i) % values.length] ?? value).slice(0, 6));
          for (const args of sets) {
            if (decide(call, args).action !== answer(callData(architecture.audit, number, args)))
              different = `${call.name} ${String(number)} of ${String(architecture.audit)} with ${args.join(' ')}`;
          }
        }
      }
      t.equal(different, '', `${machine}, ${name}`);
    }
  }
  t.end();
});

t.test('decide: names the rule', (t) => {
  const section: SeccompSection = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ERRNO' },
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] },
      { names: ['write'], action: 'SCMP_ACT_KILL', args: [{ index: 0, value: 2, op: 'SCMP_CMP_GE' }] },
      { names: ['close'], action: 'SCMP_ACT_TRAP' },
    ],
  };
  const profile = readProfile(section, []);
  if (profile === undefined) throw new Error('no profile');
  const [x86_64] = architecturesOf('x86_64', []);
  const decisions = new Decisions(section, profile);
  const pointer = (number: number, ...values: bigint[]): string => decide(decisions.of(x86_64, number), values).pointer;
  t.equal(pointer(0, 1n), '/linux/seccomp/syscalls/1');
  t.equal(pointer(0, 3n), '/linux/seccomp/defaultAction');
  t.equal(pointer(1, 3n), '/linux/seccomp/syscalls/2');
  t.equal(pointer(3), '/linux/seccomp/syscalls/3');
  t.equal(pointer(4), '/linux/seccomp/defaultAction');
  t.match(decisions.of(x86_64, 300), { newer: true, otherwise: { action: 0x5_0026 } });
  t.end();
});
