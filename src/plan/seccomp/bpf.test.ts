import t from 'tap';
import { FILTER_OPCODES } from '../../kernel/seccomp.ts';
import { ProgramBuilder, decodeProgram, disassemble } from './bpf.ts';
import { callData, simulator } from './machine.ts';

t.test('ProgramBuilder reaches targets beyond 255 instructions', (t) => {
  const builder = new ProgramBuilder();
  const far = builder.load(0, builder.compare(FILTER_OPCODES.ifEqual, 7, builder.return(0xa), builder.return(0xb)));
  let next = builder.return(0xc);
  // Each comparison continues with the next or with a distant one, which needs trampolines throughout.
  for (let value = 1000; value >= 8; value--) next = builder.compare(FILTER_OPCODES.ifEqual, value, far, next);
  const filter = builder.finish(builder.load(16, next));
  const answer = simulator(filter);
  t.equal(answer(callData(0, 7, [8n])), 0xa);
  t.equal(answer(callData(0, 6, [8n])), 0xb);
  t.equal(answer(callData(0, 7, [1000n])), 0xa);
  t.equal(answer(callData(0, 7, [500n])), 0xa);
  t.equal(answer(callData(0, 7, [1001n])), 0xc);
  t.equal(decodeProgram(filter).filter(({ code }) => code === FILTER_OPCODES.goto).length, 3, 'one stone per reach');
  t.end();
});

t.test('ProgramBuilder keeps both targets in range if each of them needs a trampoline', (t) => {
  for (let filler = 248; filler < 262; filler++) {
    const builder = new ProgramBuilder();
    const one = builder.and(1, builder.return(1));
    const two = builder.and(1, builder.return(2));
    let next = two;
    for (let count = 0; count < filler; count++)
      next = builder.and(0xffff_ffff, count === 0 ? builder.return(3) : next);
    const filter = builder.finish(builder.load(0, builder.compare(FILTER_OPCODES.ifAtLeast, 5, one, two)));
    const answer = simulator(filter);
    t.same([answer(callData(0, 5)), answer(callData(0, 4))], [1, 2], `${filler} instructions between`);
  }
  t.end();
});

t.test('ProgramBuilder shares returns, and repeats them if that saves a long jump', (t) => {
  const builder = new ProgramBuilder();
  const label = builder.return(5);
  t.equal(builder.return(5), label);
  let next = builder.return(6);
  for (let count = 0; count < 300; count++) next = builder.load(count % 2, next);
  t.not(builder.return(5), label);
  t.end();
});

t.test('compare omits a comparison that decides nothing', (t) => {
  const builder = new ProgramBuilder();
  const label = builder.return(5);
  t.equal(builder.compare(FILTER_OPCODES.ifEqual, 1, label, label), label);
  t.equal(builder.length, 1);
  t.end();
});

t.test('disassemble prints every instruction with its targets', (t) => {
  const builder = new ProgramBuilder();
  const allow = builder.return(0x7fff_0000);
  const high = builder.load(28, builder.compare(FILTER_OPCODES.ifGreater, 9, allow, builder.return(0x0005_0026)));
  const low = builder.load(24, builder.and(0xff, builder.compare(FILTER_OPCODES.ifEqual, 2, allow, high)));
  const program = builder.finish(builder.load(0, builder.compare(FILTER_OPCODES.ifAtLeast, 0x4000_0000, allow, low)));
  t.same(disassemble(program), [
    '0: load number',
    '1: if >= 0x40000000 goto 8 else 2',
    '2: load argument 1 low',
    '3: and 0xff',
    '4: if == 0x2 goto 8 else 5',
    '5: load argument 1 high',
    '6: if > 0x9 goto 8 else 7',
    '7: return ERRNO(38)',
    '8: return ALLOW',
  ]);
  t.throws(() => disassemble(new Uint8Array(7)), RangeError);
  t.end();
});

t.test('simulator refuses programs that the kernel would refuse', (t) => {
  const encode = (code: number, k: number) => new Uint8Array(new Uint32Array([code, k]).buffer);
  t.throws(() => simulator(encode(FILTER_OPCODES.goto, 5))(callData(0, 0)), /jump out of the program/);
  t.throws(() => simulator(encode(FILTER_OPCODES.load, 64))(callData(0, 0)), /load from offset 64/);
  t.throws(() => simulator(encode(0xff, 0))(callData(0, 0)), /unknown instruction/);
  t.end();
});
