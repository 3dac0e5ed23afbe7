/**
 * schema/ops.json -> for TypeScript the union, codec table and packing; for C the structs, decoder and dispatcher; for
 * both the values of fields; and the reference page.
 * Run by `make generate`; `make check` fails when the committed output differs.
 */
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { format } from 'prettier';

type Kind = 'u32' | 'i32' | 'u64' | 'str' | 'bytes' | 'strs' | 'u32s' | 'slot' | 'new_slot';

/** Names for the values of a number: flags from bit 0 on, or values from 0 on. Or the maximum length of a list. */
type Meaning =
  | { readonly bits: Readonly<Record<string, string>> }
  | { readonly choice: Readonly<Record<string, string>> }
  | { readonly most: number };

interface OpSpec {
  readonly name: string;
  readonly group: 'host' | 'stage' | 'init';
  readonly doc: string;
  /** Calls that a failure of the op may name: schema/ops.test.ts compares them with the C code. */
  readonly calls: readonly string[];
  /** Related manual pages. */
  readonly see?: readonly string[];
  readonly safe: string;
  /** It only waits for the runtime. */
  readonly waits?: true;
  /** A meaning shared by fields of several ops has a name. */
  readonly fields: readonly (readonly [name: string, kind: Kind, meaning?: Meaning | string])[];
}

interface Spec {
  readonly version: number;
  readonly slots: number;
  readonly meanings: Readonly<Record<string, Meaning>>;
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
  new_slot: 'number',
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
  new_slot: 'uint32_t ',
};

/** The code that adds a field to the list `to`; `value` is an expression. */
const packers: Record<Kind, (value: string) => string> = {
  u32: (value) => `to[to.length] = ${value};`,
  i32: (value) => `to[to.length] = ${value};`,
  u64: (value) => `packWide(${value}, to);`,
  str: (value) => `to[to.length] = ${value};`,
  bytes: (value) => `packBytes(${value}, to);`,
  strs: (value) => `packList(${value}, to);`,
  u32s: (value) => `packList(${value}, to);`,
  slot: (value) => `to[to.length] = ${value};`,
  new_slot: (value) => `to[to.length] = ${value};`,
};

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function pascal(name: string): string {
  const word = camel(name);
  return word.charAt(0).toUpperCase() + word.slice(1);
}

interface Value {
  readonly name: string;
  readonly value: number;
  readonly doc: string;
}

function meaningOf(meaning: Meaning | string | undefined): Meaning | undefined {
  if (typeof meaning !== 'string') return meaning;
  const shared = spec.meanings[meaning];
  if (shared === undefined) throw new Error(`schema/ops.json has no meaning "${meaning}"`);
  return shared;
}

function valuesOf(meaning: Meaning): readonly Value[] {
  if ('most' in meaning) return [];
  const [names, valueOf] =
    'bits' in meaning ? [meaning.bits, (at: number) => 2 ** at] : [meaning.choice, (at: number) => at];
  return Object.entries(names).map(([name, doc], at) => ({ name, value: valueOf(at), doc }));
}

interface NamedMeaning {
  /** `open_tree_flags`. */
  readonly name: string;
  /** Prefix of the names of its values in C. */
  readonly prefix: string;
  readonly meaning: Meaning;
}

function meanings(): NamedMeaning[] {
  const shared = Object.entries(spec.meanings).map(([name, meaning]) => ({ name, prefix: name, meaning }));
  const own = spec.ops.flatMap((op) =>
    op.fields.flatMap(([field, , meaning]) =>
      meaning === undefined || typeof meaning === 'string'
        ? []
        : [{ name: `${op.name}_${field}`, prefix: op.name, meaning }],
    ),
  );
  return [...shared, ...own];
}

function typescriptValues(): string[] {
  return meanings().map(({ name, meaning }) => {
    if ('most' in meaning) return `export const ${name.toUpperCase()}_MOST = ${meaning.most};`;
    const members = valuesOf(meaning).map((one) => `  /** ${one.doc} */\n  ${camel(one.name)}: ${one.value},`);
    return `export const ${name.toUpperCase()} = {\n${members.join('\n')}\n} as const;`;
  });
}

function cValues(): string[] {
  return meanings().map(({ name, prefix, meaning }) => {
    if ('most' in meaning) return `enum { ${limitName(name)} = ${meaning.most} };`;
    const members = valuesOf(meaning).map((one) => `\t${`RT_${prefix}_${one.name}`.toUpperCase()} = ${one.value},`);
    return `enum rt_${name} {\n${members.join('\n')}\n};`;
  });
}

function limitName(name: string): string {
  return `RT_${name.toUpperCase()}_MOST`;
}

function union(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' | ');
}

function typescript(): string {
  const types = spec.ops.map((op) => {
    const fields = op.fields.map(([name, kind]) => `  readonly ${camel(name)}: ${typescriptTypes[kind]};`);
    return `/** ${op.doc} */\nexport interface ${pascal(op.name)}Op {\n  readonly op: '${op.name}';\n${fields.join('\n')}\n}`;
  });
  const table = spec.ops.map((op, index) => {
    const fields = op.fields.map(([name, kind]) => `['${camel(name)}', '${kind}']`);
    return `  ${op.name}: { code: ${String(index)}, group: '${op.group}', fields: [${fields.join(', ')}] },`;
  });
  return `// ${note}

${types.join('\n\n')}

export type Op = ${spec.ops.map((op) => `${pascal(op.name)}Op`).join(' | ')};

/** Ops that only wait for the runtime. */
export type WaitingOp = ${union(spec.ops.filter((op) => op.waits).map((op) => op.name))};

/** The calls that the failure of an op may name. */
export interface OpCalls {
${spec.ops.map((op) => `  ${op.name}: ${union(op.calls)};`).join('\n')}
}

${typescriptValues().join('\n\n')}

export type FieldKind = 'u32' | 'i32' | 'u64' | 'str' | 'bytes' | 'strs' | 'u32s' | 'slot' | 'new_slot';

export interface OpCodec {
  readonly code: number;
  readonly group: 'host' | 'stage' | 'init';
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

/** Adds the code and the fields of an op. One function per op is twice as fast as iterating over OP_CODECS. */
export const OP_PACKERS: Packers = {
${functions.join('\n')}
};
`;
}

function prototype(op: OpSpec): string {
  const parameter = op.fields.length === 0 ? '' : `, const struct rt_op_${op.name} *op`;
  return `int rt_${op.name}(struct rt_context *context${parameter});`;
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

${cValues().join('\n\n')}

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

struct rt_context;

/* Each runs one op: 0 or a negative errno, with context->call set (rt_fail). */
${spec.ops.map(prototype).join('\n')}

/* Runs the one that \`op\` is for. */
int rt_run_op(struct rt_context *context, const struct rt_op *op);

#endif
`;
}

function source(): string {
  const cases = spec.ops.map((op) => {
    const reads = op.fields.map(([name, kind, meaning]) => {
      const field = `op->${op.name}.${name}`;
      const read = `rt_read_${kind === 'new_slot' ? 'slot' : kind}(reader, &${field})`;
      const isLimited = typeof meaning === 'object' && 'most' in meaning;
      return isLimited ? `${read} && ${field}.count <= ${limitName(`${op.name}_${name}`)}` : read;
    });
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

function dispatcher(): string {
  const cases = spec.ops.map((op) => {
    const argument = op.fields.length === 0 ? '' : `, &op->${op.name}`;
    return `\tcase RT_OP_${op.name.toUpperCase()}:\n\t\treturn rt_${op.name}(context${argument});`;
  });
  return `/* ${note} */
/* clang-format off */
#include "../helper/context.h"
#include "../helper/sys.h"

int rt_run_op(struct rt_context *context, const struct rt_op *op)
{
	switch (op->code) {
${cases.join('\n')}
	}
	return rt_fail(context, "", -ENOSYS);
}
`;
}

const runBy: Record<OpSpec['group'], string> = {
  host: 'the runtime',
  stage: 'the stage, a process between the runtime and init with the privileges of the runtime',
  init: "the container's init, or the stage",
};

/** A line for each named value of a field. */
function meaningLines(field: string, meaning: Meaning | undefined): string[] {
  if (meaning === undefined) return [];
  if ('most' in meaning) return [`\`${field}\`: at most ${meaning.most} items`];
  return valuesOf(meaning).map(({ name, value, doc }) => `\`${field}\` ${value} (${name}): ${doc}`);
}

function page(): string {
  const ops = spec.ops.map((op) => {
    const rows = op.fields.map(([name, kind]) => `| \`${name}\` | ${kind} |`);
    const table = rows.length === 0 ? '' : `\n| field | kind |\n| --- | --- |\n${rows.join('\n')}\n`;
    const values = op.fields.flatMap(([name, , meaning]) => meaningLines(name, meaningOf(meaning)));
    const calls = op.calls.map((call) => `\`${call}\``).join(', ');
    const facts = [
      ...values,
      `Run by: ${runBy[op.group]}`,
      ...(op.waits ? ['Waits for the runtime, and does nothing else'] : []),
      `A failure names: ${calls}`,
      ...(op.see === undefined ? [] : [`See: ${op.see.join(', ')}`]),
      `Safe because: ${op.safe}`,
    ];
    return `## ${op.name}\n\n${op.doc}\n${table}\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`;
  });
  return `# Operations of a plan

<!-- ${note} -->

A plan is a list of these. \`rt plan\` prints it; the C helper runs it. A program in bytes is a header
(magic \`RTPG\`, version, number of the program in a trace or 0 for none, number of ops; each u32) and the ops: code (u32) and fields, without padding.
All integers are little-endian. A \`str\` is a u32 length, its bytes, and a NUL that is not counted; it holds no
other NUL. \`strs\` is a u32 count and that many \`str\`; \`bytes\` a u32 length and the bytes; \`u32s\` a u32 count and
that many u32; \`slot\` a u32 below ${String(spec.slots)}, the register that holds a descriptor, and \`new_slot\` one that the op fills. Slot 0 is the root of the container.

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
await write('native/generated/dispatch.c', dispatcher());
await write('docs/ops.md', page());
