import t from 'tap';
import { AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, SECCOMP_RET } from '../../kernel/seccomp.ts';
import { ProgramBuilder, dataOffset, disassemble } from './bpf.ts';
import { FILTER_OPCODES } from '../../kernel/seccomp.ts';
import { listing } from './listing.ts';

const { ifEqual } = FILTER_OPCODES;

t.test('a number has a name where the architecture is known on every way to it', async (t) => {
  const program = new ProgramBuilder();
  const allow = program.return(SECCOMP_RET.ALLOW);
  const refuse = program.return(SECCOMP_RET.ERRNO | 1);
  const shared = program.compare(ifEqual, 1, refuse, allow);
  const wide = program.load(dataOffset.number, program.compare(ifEqual, 83, refuse, shared));
  const narrow = program.load(dataOffset.number, program.compare(ifEqual, 39, refuse, shared));
  const other = program.compare(ifEqual, AUDIT_ARCH_I386, narrow, refuse);
  const first = program.compare(ifEqual, AUDIT_ARCH_X86_64, wide, other);
  const filter = program.finish(program.load(dataOffset.architecture, first));
  const names = listing(filter).map((line) => line.split('  # ')[1]);
  t.strictSame(
    listing(filter).map((line) => line.split('  # ')[0]),
    disassemble(filter),
  );
  t.strictSame(
    names.filter((name) => name !== undefined),
    ['x86_64', 'x86', 'mkdir', 'mkdir', 'EPERM'],
    'not that of the call 1, which is write or exit',
  );
});
