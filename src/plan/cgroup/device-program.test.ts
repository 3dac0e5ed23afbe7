import t from 'tap';
import type { LinuxDeviceCgroup } from '../../../schema/generated/config.ts';
import { deviceProgram } from './device-program.ts';

const BLOCK = 1;
const CHARACTER = 2;
const access = { m: 1, r: 2, w: 4 } as const;

/** Runs the few instructions that device programs are made of. */
function allows(program: Uint8Array, type: number, access: number, major: number, minor: number): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const registers = [0, 0, 0, 0, 0, 0];
  const context = [(type | (access << 16)) >>> 0, major, minor];
  for (let at = 0; at < program.length; at += 8) {
    const code = view.getUint8(at);
    const destination = view.getUint8(at + 1) & 15;
    const source = view.getUint8(at + 1) >> 4;
    const offset = view.getInt16(at + 2, true);
    const immediate = view.getInt32(at + 4, true);
    const value = registers[destination] ?? 0;
    if (code === 0x61) registers[destination] = context[offset / 4] ?? 0;
    else if (code === 0x54) registers[destination] = (value & immediate) >>> 0;
    else if (code === 0x74) registers[destination] = value >>> immediate;
    else if (code === 0xb4) registers[destination] = immediate;
    else if (code === 0xbc) registers[destination] = registers[source] ?? 0;
    else if (code === 0x05) at += offset * 8;
    else if (code === 0x56) at += value === immediate >>> 0 ? 0 : offset * 8;
    else if (code === 0x46) at += (value & immediate) === 0 ? 0 : offset * 8;
    else if (code === 0x95) return registers[0] === 1;
    else throw new Error(`opcode ${String(code)}`);
  }
  throw new Error('no exit');
}

function program(...rules: LinuxDeviceCgroup[]): Uint8Array {
  const made = deviceProgram(rules);
  if (made === undefined) throw new Error('no program');
  return made;
}

t.test('deviceProgram: default devices are allowed, others denied, without any rule', async (t) => {
  const made = program();
  t.ok(allows(made, CHARACTER, access.r | access.w, 1, 3), 'null');
  t.ok(allows(made, CHARACTER, access.r, 136, 77), 'any pseudoterminal');
  t.ok(allows(made, BLOCK, access.m, 8, 0), 'nodes may be made');
  t.notOk(allows(made, BLOCK, access.r, 8, 0));
  t.notOk(allows(made, CHARACTER, access.r | access.m, 1, 1), 'one part of a request is not enough');
});

t.test('deviceProgram: the last rule that matches an access decides', async (t) => {
  const made = program(
    { allow: true, type: 'b', major: 8, access: 'rw' },
    { allow: false, type: 'b', major: 8, minor: 1, access: 'w' },
  );
  t.ok(allows(made, BLOCK, access.r | access.w, 8, 0));
  t.ok(allows(made, BLOCK, access.r, 8, 1));
  t.notOk(allows(made, BLOCK, access.r | access.w, 8, 1));
});

t.test('deviceProgram: several rules together may allow a request', async (t) => {
  const made = program(
    { allow: true, type: 'b', major: 8, minor: 0, access: 'r' },
    { allow: true, type: 'b', major: 8, minor: 0, access: 'w' },
  );
  t.ok(allows(made, BLOCK, access.r | access.w, 8, 0));
});

t.test('deviceProgram: a rule for everything cancels earlier rules', async (t) => {
  const rule = { allow: true, type: 'b', major: 8, minor: 0, access: 'r' };
  t.notOk(allows(program(rule, { allow: false, access: 'rwm' }), BLOCK, access.r, 8, 0));
  t.ok(allows(program({ allow: false, access: 'rwm' }, rule), BLOCK, access.r, 8, 0));
  t.equal(deviceProgram([{ allow: true, access: 'rwm' }]), undefined, 'all allowed needs no program');
  const hole = program({ allow: true, access: 'rwm' }, { allow: false, type: 'b', major: 8, minor: 0, access: 'rwm' });
  t.notOk(allows(hole, BLOCK, access.r, 8, 0));
  t.ok(allows(hole, BLOCK, access.r, 8, 1));
});
