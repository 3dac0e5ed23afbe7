/** The running kernel must accept the compiled filters, and return the same verdicts as the simulator. */
import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import type { LinuxSeccomp } from '../../schema/generated/config.ts';
import { checkSeccomp } from '../../src/plan/seccomp/compile.ts';
import { Oracle, oracleMissing } from './oracle.ts';

const skip = oracleMissing || (process.arch === 'x64' ? false : `makes calls of x86_64, this is ${process.arch}`);
const directory = new URL('./profiles/', import.meta.url);
const oracle = skip === false ? new Oracle() : undefined;
t.teardown(() => oracle?.close());

function compile(profile: LinuxSeccomp): { readonly filter: Uint8Array; readonly flags: number } {
  const checked = checkSeccomp(profile, { nativeArch: 'x86_64', diagnostics: [] });
  if (checked === undefined) throw new Error('the profile gives no filter');
  return { filter: checked.filter(), flags: checked.flags };
}

for (const file of readdirSync(directory)) {
  t.test(`the kernel loads ${file}`, { skip }, (t) => {
    const { filter, flags } = compile(JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as LinuxSeccomp);
    t.equal(oracle?.load(filter, flags), '');
    t.end();
  });
}

t.test('the kernel loads a filter near the limit, full of long jumps', { skip }, (t) => {
  const syscalls = Array.from({ length: 1000 }, (_, value): NonNullable<LinuxSeccomp['syscalls']>[number] => ({
    names: ['read'],
    action: 'SCMP_ACT_ERRNO',
    args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
  }));
  const { filter } = compile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls });
  t.ok(filter.length / 8 > 4000, `${filter.length / 8} instructions`);
  t.equal(oracle?.load(filter, 0), '');
  t.end();
});

t.test('the verdicts of the kernel match the filter', { skip }, (t) => {
  const { filter } = compile({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 95,
    syscalls: [
      { names: ['write', 'exit_group', 'getppid'], action: 'SCMP_ACT_ALLOW' },
      { names: ['close'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 0x1_0000_0002, op: 'SCMP_CMP_GT' }] },
      { names: ['getpid'], action: 'SCMP_ACT_ERRNO', errnoRet: 71 },
      { names: ['sync'], action: 'SCMP_ACT_KILL_PROCESS' },
      { names: ['getuid'], action: 'SCMP_ACT_TRAP' },
    ],
  });
  const [EBADF, ENOSYS, SIGSYS] = [9, 38, 31];
  const calls: [number, bigint, string][] = [
    [110, 0n, 'result 0'],
    [39, 0n, 'result 71'],
    [3, 0x1_0000_0002n, 'result 95'],
    [3, 0x1_ffff_0003n, `result ${EBADF}`],
    [3, 0xffff_ffffn, 'result 95'],
    [40, 0n, 'result 95'],
    [300, 0n, `result ${ENOSYS}`],
    [162, 0n, `signal ${SIGSYS}`],
    [102, 0n, `signal ${SIGSYS}`],
  ];
  const answers = oracle?.verdicts(
    filter,
    calls.map(([number, first]) => [number, first]),
  );
  t.same(
    answers,
    calls.map(([, , answer]) => answer),
  );
  t.end();
});
