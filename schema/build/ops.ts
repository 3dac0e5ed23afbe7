/**
 * schema/ops.json -> the TypeScript union, codec table and packing, the C structs and decoder, the reference page.
 * Run by `make generate`; `make check` fails when the committed output differs.
 */
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { format } from 'prettier';

type Kind = 'u32' | 'i32' | 'u64' | 'str' | 'bytes' | 'strs' | 'u32s' | 'slot';

interface OpSpec {
  readonly name: string;
  readonly group: 'host' | 'stage' | 'init';
  readonly doc: string;
  readonly kernel: string;
  readonly safe: string;
  readonly fields: readonly (readonly [string, Kind])[];
}

interface Spec {
  readonly version: number;
  readonly slots: number;
  readonly ops: readonly OpSpec[];
}

const root = new URL('../../', import.meta.url);
const spec = JSON.parse(readFileSync(new URL('schema/ops.json', root), 'utf8')) as Spec;
const note = 'Generated from schema/ops.json by schema/build/ops.ts; do not edit.';

const typescriptTypes: Record<Kind, string> = {
  u32: 'number',
  i32: 'number',
  u64: 'number | bigint',
  str: 'string',
  bytes: 'Uint8Array',
  strs: 'readonly string[]',
  u32s: 'readonly number[]',
  slot: 'number',
};

const cTypes: Record<Kind, string> = {
  u32: 'uint32_t ',
  i32: 'int32_t ',
  u64: 'uint64_t ',
  str: 'struct rt_str ',
  bytes: 'struct rt_bytes ',
  strs: 'struct rt_strs ',
  u32s: 'struct rt_u32s ',
  slot: 'uint32_t ',
};

/** How a field is added to the list `to`; `value` is an expression. */
const packers: Record<Kind, (value: string) => string> = {
  u32: (value) => `to[to.length] = ${value};`,
  i32: (value) => `to[to.length] = ${value};`,
  u64: (value) => `packWide(${value}, to);`,
  str: (value) => `to[to.length] = ${value};`,
  bytes: (value) => `packBytes(${value}, to);`,
  strs: (value) => `packList(${value}, to);`,
  u32s: (value) => `packList(${value}, to);`,
  slot: (value) => `to[to.length] = ${value};`,
};

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function pascal(name: string): string {
  const word = camel(name);
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function typescript(): string {
  const types = spec.ops.map((op) => {
    const fields = op.fields.map(([name, kind]) => `  readonly ${camel(name)}: ${typescriptTypes[kind]};`);
    return `/** ${op.doc} */\nexport interface ${pascal(op.name)}Op {\n  readonly op: '${op.name}';\n${fields.join('\n')}\n}`;
  });
  const table = spec.ops.map((op, index) => {
    const fields = op.fields.map(([name, kind]) => `['${camel(name)}', '${kind}']`);
    return `  ${op.name}: { code: ${String(index)}, group: '${op.group}', call: '${op.kernel}', fields: [${fields.join(', ')}] },`;
  });
  return `// ${note}

${types.join('\n\n')}

export type Op = ${spec.ops.map((op) => `${pascal(op.name)}Op`).join(' | ')};

export type FieldKind = 'u32' | 'i32' | 'u64' | 'str' | 'bytes' | 'strs' | 'u32s' | 'slot';

export interface OpCodec {
  readonly code: number;
  readonly group: 'host' | 'stage' | 'init';
  /** The system calls it makes, as man pages name them. */
  readonly call: string;
  readonly fields: readonly (readonly [name: string, kind: FieldKind])[];
}

export const PROGRAM_VERSION = ${String(spec.version)};

export const SLOTS = ${String(spec.slots)};

export const OP_CODECS: Readonly<Record<Op['op'], OpCodec>> = {
${table.join('\n')}
};
`;
}

function packing(): string {
  const functions = spec.ops.map((op, index) => {
    const fields = op.fields.map(([name, kind]) => `    ${packers[kind](`op.${camel(name)}`)}`);
    const parameters = op.fields.length === 0 ? '_op, to' : 'op, to';
    return `  ${op.name}(${parameters}) {\n    to[to.length] = ${String(index)};\n${fields.join('\n')}\n  },`;
  });
  return `// ${note}

import { packBytes, packList, packWide } from '../../src/launch/fields.ts';
import type { PackedList } from '../../src/launch/fields.ts';
import type { Op } from './ops.ts';

type Packers = { readonly [name in Op['op']]: (op: Extract<Op, { op: name }>, to: PackedList) => void };

/** Adds the code and the fields of an op. A function for each is twice as quick as a walk over OP_CODECS. */
export const OP_PACKERS: Packers = {
${functions.join('\n')}
};
`;
}

function header(): string {
  const codes = spec.ops.map((op, index) => `\tRT_OP_${op.name.toUpperCase()} = ${String(index)},`);
  const structs = spec.ops
    .filter((op) => op.fields.length > 0)
    .map((op) => {
      const fields = op.fields.map(([name, kind]) => `\t${cTypes[kind]}${name};`);
      return `struct rt_op_${op.name} {\n${fields.join('\n')}\n};`;
    });
  const members = spec.ops.filter((op) => op.fields.length > 0).map((op) => `\t\tstruct rt_op_${op.name} ${op.name};`);
  return `/* ${note} */
/* clang-format off */
#ifndef RT_OPS_H
#define RT_OPS_H

#include "../helper/program.h"

enum { RT_PROGRAM_VERSION = ${String(spec.version)}, RT_SLOTS = ${String(spec.slots)} };

enum rt_op_code {
${codes.join('\n')}
};

enum { RT_OP_COUNT = ${String(spec.ops.length)} };

${structs.join('\n\n')}

struct rt_op {
	enum rt_op_code code;
	union {
${members.join('\n')}
	};
};

/* Reads the fields of one op; false when a field does not fit or a slot is out of range. */
bool rt_decode_op(struct rt_reader *reader, uint32_t code, struct rt_op *op);

/* True for an op that the runtime process may run itself. */
bool rt_op_is_host(enum rt_op_code code);

#endif
`;
}

function source(): string {
  const cases = spec.ops.map((op) => {
    const reads = op.fields.map(([name, kind]) => `rt_read_${kind}(reader, &op->${op.name}.${name})`);
    return `\tcase RT_OP_${op.name.toUpperCase()}:\n\t\treturn ${reads.length === 0 ? 'true' : reads.join(' &&\n\t\t       ')};`;
  });
  const host = spec.ops.map(
    (op) => `\tcase RT_OP_${op.name.toUpperCase()}:\n\t\treturn ${String(op.group === 'host')};`,
  );
  return `/* ${note} */
/* clang-format off */
#include "ops.h"

static bool rt_read_slot(struct rt_reader *reader, uint32_t *slot)
{
	return rt_read_u32(reader, slot) && *slot < RT_SLOTS;
}

bool rt_decode_op(struct rt_reader *reader, uint32_t code, struct rt_op *op)
{
	if (code >= RT_OP_COUNT)
		return false;
	op->code = (enum rt_op_code)code;
	switch (op->code) {
${cases.join('\n')}
	}
	return false;
}

bool rt_op_is_host(enum rt_op_code code)
{
	switch (code) {
${host.join('\n')}
	}
	return false;
}
`;
}

const runBy: Record<OpSpec['group'], string> = {
  host: 'the runtime',
  stage: 'the stage, a process between the runtime and init with the rights of the runtime',
  init: "the container's init, or the stage",
};

function page(): string {
  const ops = spec.ops.map((op) => {
    const rows = op.fields.map(([name, kind]) => `| \`${name}\` | ${kind} |`);
    const table = rows.length === 0 ? '' : `\n| field | kind |\n| --- | --- |\n${rows.join('\n')}\n`;
    return `## ${op.name}\n\n${op.doc}\n${table}\n- Run by: ${runBy[op.group]}\n- Kernel: ${op.kernel}\n- Safe because: ${op.safe}\n`;
  });
  return `# Operations of a plan

<!-- ${note} -->

A plan is a list of these. \`rt plan\` prints it; the C helper runs it. A program in bytes is a header
(magic \`RTPG\`, version, number of the program in a trace or 0 for none, number of ops; each u32) and the ops: code (u32) and fields, without padding.
All integers are little-endian. A \`str\` is a u32 length, its bytes, and a NUL that is not counted; it holds no
other NUL. \`strs\` is a u32 count and that many \`str\`; \`bytes\` a u32 length and the bytes; \`u32s\` a u32 count and
that many u32; \`slot\` a u32 below ${String(spec.slots)}, the register that holds a descriptor. Slot 0 is the root of the container.

${ops.join('\n')}`;
}

async function write(path: string, text: string): Promise<void> {
  const parser = path.endsWith('.ts') ? 'typescript' : path.endsWith('.md') ? 'markdown' : undefined;
  const output = parser === undefined ? text : await format(text, { parser, singleQuote: true, printWidth: 120 });
  writeFileSync(new URL(path, root), output);
}

mkdirSync(new URL('native/generated/', root), { recursive: true });
mkdirSync(new URL('schema/generated/', root), { recursive: true });
await write('schema/generated/ops.ts', typescript());
await write('schema/generated/pack.ts', packing());
await write('native/generated/ops.h', header());
await write('native/generated/ops.c', source());
await write('docs/ops.md', page());
