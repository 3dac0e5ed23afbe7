/** For every call number, with sampled arguments, our filter and libseccomp's must return the same. */
import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import type { LinuxSeccomp, SeccompArch } from '../../schema/generated/config.ts';
import * as tables from '../../schema/generated/syscalls.ts';
import type { Run } from '../../schema/generated/syscalls.ts';
import type { NativeArchitecture } from '../../src/plan/seccomp/architectures.ts';
import { knownArchitectures } from '../../src/plan/seccomp/architectures.ts';
import { checkSeccomp } from '../../src/plan/seccomp/compile.ts';
import { nameOfReturn } from '../../src/plan/seccomp/action-words.ts';
import { callData, simulator } from '../../src/plan/seccomp/machine.ts';
import { Oracle, oracleMissing, returnValue } from './oracle.ts';

const ENOSYS = 0x0005_0000 + 38;

const natives = ['x86_64', 'aarch64', 'riscv64'] as const satisfies readonly NativeArchitecture[];

/** A range of call numbers of one ABI, deliberately written down a second time. */
interface Abi {
  readonly name: string;
  readonly native: NativeArchitecture;
  readonly audit: number;
  readonly first: number;
  readonly last: number;
  readonly runs: readonly Run[];
  /** Name in a profile; absent for the architecture that is always included. */
  readonly listed?: SeccompArch;
}

const x86_64: Abi = {
  name: 'x86_64',
  native: 'x86_64',
  audit: 0xc000_003e,
  first: 0,
  last: 0x3fff_ffff,
  runs: tables.x86_64,
};
const abis: readonly Abi[] = [
  x86_64,
  { ...x86_64, name: 'x32', first: 0x4000_0000, last: 0xffff_ffff, runs: tables.x32, listed: 'SCMP_ARCH_X32' },
  {
    name: 'x86',
    native: 'x86_64',
    audit: 0x4000_0003,
    first: 0,
    last: 0xffff_ffff,
    runs: tables.x86,
    listed: 'SCMP_ARCH_X86',
  },
  { name: 'aarch64', native: 'aarch64', audit: 0xc000_00b7, first: 0, last: 0xffff_ffff, runs: tables.aarch64 },
  { name: 'riscv64', native: 'riscv64', audit: 0xc000_00f3, first: 0, last: 0xffff_ffff, runs: tables.riscv64 },
  {
    name: 'arm',
    native: 'aarch64',
    audit: 0x4000_0028,
    first: 0,
    last: 0x0e_ffff,
    runs: tables.arm,
    listed: 'SCMP_ARCH_ARM',
  },
  {
    name: 'arm private',
    native: 'aarch64',
    audit: 0x4000_0028,
    first: 0x0f_0000,
    last: 0xffff_ffff,
    runs: tables.armPrivate,
    listed: 'SCMP_ARCH_ARM',
  },
];

function numbersOf(abi: Abi): number[] {
  const numbers = new Set<number>();
  for (let number = 0; number <= 600; number++) numbers.add(abi.first + number);
  const edges = [0x3fff_ffff, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 0x0e_ffff, 0x0f_0000];
  for (const edge of [abi.last, ...edges]) if (edge >= abi.first && edge <= abi.last) numbers.add(edge);
  return [...numbers];
}

/** The highest number that the profile names, or -1: calls above it are newer than the profile. */
function highestKnown(abi: Abi, profile: LinuxSeccomp): number {
  const names = new Set((profile.syscalls ?? []).flatMap((syscall) => syscall.names));
  // socketcall(2) and ipc(2) represent the calls that they select.
  if (abi.name === 'x86' && namesOf(tables.socketcall).some(([, name]) => names.has(name))) names.add('socketcall');
  if (abi.name === 'x86' && namesOf(tables.ipc).some(([, name]) => names.has(name))) names.add('ipc');
  const known = namesOf(abi.runs).filter(([, name]) => names.has(name));
  return Math.max(-1, ...known.map(([number]) => abi.first + number));
}

function namesOf(runs: readonly Run[]): [number, string][] {
  return runs.flatMap(([first, names]) =>
    names.split('\n').map((name, index): [number, string] => [first + index, name]),
  );
}

/** The numbers from here on return ENOSYS, regardless of libseccomp; see docs/seccomp.md, "Differences". */
function firstNewer(abi: Abi, profile: LinuxSeccomp): number {
  const isPermissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction);
  if (isPermissive || profile.defaultErrnoRet === 38) return Infinity;
  if (isListed(abi, profile)) return highestKnown(abi, profile) + 1;
  // Calls of x32 have the architecture of x86_64, calls of other absent ABIs one that is refused.
  return abi.name === 'x32' ? abi.first : Infinity;
}

/**
 * The profile's verdict where libseccomp 2.5.4 returns another one. Both differences come from subtrees that it shares
 * between rules: on 32-bit ABIs it loses the rule with two conditions, on i386 connect(2) gets the condition of
 * semop(2).
 */
function libseccompFault(file: string, abi: Abi, number: number, values: readonly bigint[]): number | undefined {
  if (file !== 'arguments.json') return undefined;
  const socket: Readonly<Record<string, number>> = { x86: 359, x32: 0x4000_0029, arm: 281 };
  if (number === socket[abi.name] && values[0] === 16n && values[2] === 9n) return returnValue('SCMP_ACT_ERRNO', 22);
  if (abi.name === 'x86' && number === 102 && values[0] === 3n && values[2] === 1n) return ENOSYS;
  return undefined;
}

function isListed(abi: Abi, profile: LinuxSeccomp): boolean {
  return abi.listed === undefined || (profile.architectures ?? []).includes(abi.listed);
}

const samples: readonly bigint[] = [0n, 1n, 2n, 4n, 9n, 16n, 40n, 0xffff_ffffn, 0x1_0000_0003n, 0x5_0000_0002n];

/** Each value in each position, the values of the profile and their neighbours, and a few matching combinations. */
function argumentSamples(profile: LinuxSeccomp): bigint[][] {
  const args = (profile.syscalls ?? []).flatMap((syscall) => syscall.args ?? []);
  const own = args.flatMap(({ value, valueTwo }) => [BigInt(value), BigInt(valueTwo ?? 0)]);
  const near = own.flatMap((value) => [value - 1n, value, value + 1n, value ^ (1n << 32n)]).filter((v) => v >= 0n);
  const lists: bigint[][] = [[], [16n, 3n, 9n], [5n, 0n, 16n], [1n, 0n, 4n, 0n, 0x1_0000_0003n], [1n, 16n, 9n]];
  // The first argument of socketcall(2) and ipc(2) selects the call, so it is combined with each value in the third.
  for (let call = 1n; call <= 24n; call++) lists.push([call], [call, 0n, 1n], [call, 5n, 9n], [call, 4n, 0x800n]);
  for (const value of new Set([...samples, ...near])) {
    for (let position = 0; position < 6; position++) {
      const list = [0n, 0n, 0n, 0n, 0n, 0n];
      list[position] = value;
      lists.push(list);
    }
  }
  return lists;
}

const x32First = 0x4000_0000;

/** uretprobe and map_shadow_stack have no x32 number (syscall_64.tbl, ABI "64"); libseccomp 2.6 gives them one. */
function isDisputed(number: number): boolean {
  return number === x32First + 335 || number === x32First + 453;
}

const directory = new URL('./profiles/', import.meta.url);

t.test('filters return the same as those of libseccomp', { skip: oracleMissing }, (t) => {
  const oracle = new Oracle();
  t.teardown(() => oracle.close());
  for (const file of readdirSync(directory)) {
    const whole = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as LinuxSeccomp;
    for (const native of natives) {
      t.test(`${file} on ${native}`, (t) => {
        const { unknown } = oracle.build(whole, native);
        // The installed library cannot check newer names; they are asserted below.
        const syscalls = (whole.syscalls ?? []).map((syscall) => ({
          ...syscall,
          names: syscall.names.filter((name) => !unknown.has(name)),
        }));
        const profile: LinuxSeccomp = { ...whole, syscalls };
        const theirs = oracle.build(profile, native).filter;
        const compiled = checkSeccomp(profile, { nativeArch: native, diagnostics: [] });
        if (compiled === undefined) throw new Error('the profile gives no filter');
        const filter = compiled.filter();
        const answer = simulator(filter);
        const oracleAnswer = simulator(theirs);
        const lists = argumentSamples(profile).map((list) => ({ list, data: callData(0, 0, list) }));
        for (const abi of abis.filter((abi) => abi.native === native)) {
          const wrong: string[] = [];
          const newer = firstNewer(abi, profile);
          let asked = 0;
          for (const number of numbersOf(abi)) {
            for (const { list, data } of lists) {
              data[0] = number;
              data[1] = abi.audit;
              const ours = answer(data);
              const theirs = number >= newer ? ENOSYS : oracleAnswer(data);
              const should = libseccompFault(file, abi, number, list) ?? theirs;
              asked++;
              if (ours === should || isDisputed(number)) continue;
              wrong.push(`${number}(${list.join()}): ${nameOfReturn(ours)}, not ${nameOfReturn(should)}`);
            }
          }
          t.same(wrong.slice(0, 5), [], `${abi.name}: ${asked} calls`);
        }
        const foreign = callData(0xc000_0016, 0);
        t.equal(answer(foreign), oracleAnswer(foreign), 'an architecture that is not listed');
        const [own, other] = [filter.length / 8, theirs.length / 8];
        t.comment(`${own} instructions, libseccomp ${other}`);
        if (file === 'engine-default.json') t.ok(own * 4 < other, 'a quarter of the instructions');
        t.end();
      });
    }
  }
  t.end();
});

t.test('every name of libseccomp has the same numbers here', { skip: oracleMissing }, (t) => {
  const oracle = new Oracle();
  t.teardown(() => oracle.close());
  for (const native of natives) {
    const own = abis.filter((abi) => abi.native === native);
    const names = new Set(own.flatMap((abi) => namesOf(abi.runs).map(([, name]) => name)));
    names.delete('-');
    const wrong: string[] = [];
    for (const name of names) {
      // The companion keeps libseccomp from omitting the load of the number before a single comparison.
      const profile: LinuxSeccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_ARM'].filter((arch) =>
          own.some((abi) => abi.listed === arch),
        ) as SeccompArch[],
        syscalls: [{ names: [name, 'getpid', 'getppid'], action: 'SCMP_ACT_TRAP' }],
      };
      const { filter, unknown } = oracle.build(profile, native);
      if (unknown.has(name)) continue;
      const compiled = checkSeccomp(profile, { nativeArch: native, diagnostics: [] });
      if (compiled === undefined) throw new Error('the profile gives no filter');
      const [ours, theirs] = [simulator(compiled.filter()), simulator(filter)];
      for (const { audit: architecture, first } of own) {
        for (let number = first; number < first + 600; number++) {
          for (const value of number === 102 || number === 117 ? [0n, 1n, 2n, 5n, 11n, 20n, 21n, 24n] : [0n]) {
            const call = callData(architecture, number, [value]);
            if (ours(call) !== theirs(call) && !isDisputed(number))
              wrong.push(`${name}: ${architecture.toString(16)} ${number} ${value}`);
          }
        }
      }
    }
    t.same(wrong, [], `${names.size} names on ${native}`);
  }
  t.end();
});

t.test('a call that the installed libseccomp may not know is known here', (t) => {
  const profile: LinuxSeccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ names: ['mseal', 'statmount'], action: 'SCMP_ACT_ALLOW' }],
  };
  const compiled = checkSeccomp(profile, { nativeArch: 'x86_64', diagnostics: [] });
  const answer = simulator(compiled?.filter() ?? new Uint8Array());
  const architecture = x86_64.audit;
  t.equal(answer(callData(architecture, 457)), returnValue('SCMP_ACT_ALLOW', undefined));
  t.equal(answer(callData(architecture, 462)), returnValue('SCMP_ACT_ALLOW', undefined));
  t.equal(answer(callData(architecture, 458)), returnValue('SCMP_ACT_ERRNO', 1));
  t.equal(answer(callData(architecture, 463)), ENOSYS);
  t.end();
});

/**
 * Architectures whose calls can reach the kernel of a machine; and whether the library knows and accepts the others.
 */
const runnable: Readonly<Record<NativeArchitecture, readonly SeccompArch[]>> = {
  x86_64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  aarch64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  riscv64: ['SCMP_ARCH_RISCV64'],
};
/** libseccomp 2.5.4 has these; it does not mix the two byte orders in one filter. */
const littleEndian: readonly SeccompArch[] = [
  ...runnable.x86_64,
  ...runnable.aarch64,
  ...runnable.riscv64,
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC64LE',
];
const bigEndian: readonly SeccompArch[] = [
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
];
const unknownThere: readonly SeccompArch[] = [
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
];

for (const native of natives) {
  t.test(`an architecture that ${native} cannot run changes no answer`, { skip: oracleMissing }, (t) => {
    const oracle = new Oracle();
    t.teardown(() => oracle.close());
    const all = [...littleEndian, ...bigEndian, ...unknownThere];
    t.strictSame(all.toSorted(), knownArchitectures().toSorted(), 'every name of the schema is in one of the lists');
    const whole = JSON.parse(readFileSync(new URL('engine-default.json', directory), 'utf8')) as LinuxSeccomp;
    const { unknown } = oracle.build({ ...whole, architectures: [] }, native);
    const syscalls = (whole.syscalls ?? []).map((syscall) => ({
      ...syscall,
      names: syscall.names.filter((name) => !unknown.has(name)),
    }));
    const filterOf = (architectures: readonly SeccompArch[]): Uint8Array => {
      const profile = { ...whole, syscalls, architectures: [...architectures] };
      const compiled = checkSeccomp(profile, { nativeArch: native, diagnostics: [] });
      if (compiled === undefined) throw new Error('the profile gives no filter');
      return compiled.filter();
    };
    const own = filterOf([]);
    const [abi] = abis.filter((each) => each.native === native && each.listed === undefined);
    if (abi === undefined) throw new Error('the machine has no ABI of its own');
    const answer = simulator(own);
    for (const foreign of all.filter((name) => !runnable[native].includes(name))) {
      t.same(filterOf([foreign]), own, `${foreign}: the same filter, since no call comes from it`);
      if (!littleEndian.includes(foreign)) continue;
      const profile: LinuxSeccomp = { ...whole, syscalls, architectures: [foreign] };
      const theirs = simulator(oracle.build(profile, native).filter);
      const newer = firstNewer(abi, profile);
      const lists = [[], [0n], [1n], [16n, 3n, 9n], [0x7e02_0000n]];
      const wrong: string[] = [];
      for (const number of numbersOf(abi).filter((number) => number < newer)) {
        for (const list of lists) {
          const data = callData(abi.audit, number, list);
          if (answer(data) !== theirs(data)) wrong.push(`${number}(${list.join()})`);
        }
      }
      t.same(wrong, [], `${foreign}: as libseccomp answers with it`);
    }
    for (const foreign of bigEndian) {
      t.throws(
        () => oracle.build({ ...whole, syscalls: [], architectures: [foreign] }, native),
        `${foreign}: libseccomp takes no other order of bytes`,
      );
    }
    t.end();
  });
}
