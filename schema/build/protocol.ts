/**
 * schema/protocol.json -> the records and waits of the helper, for C and for TypeScript, and the page that documents them.
 * Run by `make generate`; `make check` fails when the committed output differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';

interface Wait {
  readonly name: string;
  /** The op in which the helper waits. */
  readonly op: string;
  /** The record that announces the wait; null if the go-ahead comes unprompted. */
  readonly record: string | null;
  /** What the runtime does before the go-ahead. */
  readonly runtime: string;
}

interface Protocol {
  /** The go-ahead is one byte: the position in this list, counted from 1. */
  readonly waits: readonly Wait[];
  readonly records: readonly { readonly name: string; readonly code: number; readonly doc: string }[];
}

const root = new URL('../../', import.meta.url);
const { waits, records } = JSON.parse(readFileSync(new URL('schema/protocol.json', root), 'utf8')) as Protocol;
const note = 'Generated from schema/protocol.json by schema/build/protocol.ts; do not edit.';

function typescript(): string {
  const kinds = records.map(({ name, code, doc }) => `  /** ${doc} */\n  ${name}: ${code},`);
  const codes = waits.map(({ name, runtime }, at) => `  /** The runtime ${runtime}. */\n  ${name}: ${at + 1},`);
  const announced = waits.filter(({ record }) => record === 'waiting').map(({ name }) => `'${name}'`);
  return `// ${note}

/** The kinds of the helper's records. */
export const RECORD = {
${kinds.join('\n')}
} as const;

/** The runtime's go-ahead: one byte, which identifies the wait that it answers. */
export const WAIT = {
${codes.join('\n')}
} as const;

export type Wait = keyof typeof WAIT;

/** The waits that a record of kind \`waiting\` announces. */
export const ANNOUNCED_WAITS = [${announced.join(', ')}] as const;

export type AnnouncedWait = (typeof ANNOUNCED_WAITS)[number];
`;
}

function header(): string {
  const kinds = records.map(({ name, code, doc }) => `\t/* ${doc} */\n\tRT_RECORD_${name.toUpperCase()} = ${code},`);
  const codes = waits.map(
    ({ name, runtime }, at) => `\t/* The runtime ${runtime}. */\n\tRT_WAIT_${name.toUpperCase()} = ${at + 1},`,
  );
  return `/* ${note} */
/* clang-format off */
#ifndef RT_PROTOCOL_H
#define RT_PROTOCOL_H

/* The kinds of the helper's records. */
enum rt_record_kind {
${kinds.join('\n')}
};

/* The runtime's go-ahead: one byte, which identifies the wait that it answers. */
enum rt_wait {
${codes.join('\n')}
};

#endif
`;
}

function page(): string {
  const rows = waits.map(
    ({ name, op, record, runtime }) => `| ${record ?? ''} | [${op}](ops.md#${op}) | ${runtime} | ${name} |`,
  );
  const kinds = records.map(({ name, code, doc }) => `- ${name} (${code}): ${doc}`);
  return `# Protocol between the runtime and init

<!-- ${note} -->

Init, or the helper before it, sends records over a SOCK_SEQPACKET socket, one message each: \`struct rt_record_header\`
of [record.h](../native/helper/record.h), the name of a call and details. While the helper waits, the runtime answers with
one byte, the number of the wait in the table below, counted from 1. A byte for another wait is an error (EPROTO); end of
file means that the runtime has given up.

| record | helper waits in | runtime | go-ahead |
| --- | --- | --- | --- |
${rows.join('\n')}

End of file from the helper: execve(2) has happened, or the process has ended.

## Records

${kinds.join('\n')}
`;
}

async function write(path: string, text: string): Promise<void> {
  const parser = path.endsWith('.ts') ? 'typescript' : path.endsWith('.md') ? 'markdown' : undefined;
  const output = parser === undefined ? text : await format(text, { parser, singleQuote: true, printWidth: 120 });
  writeFileSync(new URL(path, root), output);
}

await write('schema/generated/protocol.ts', typescript());
await write('native/generated/protocol.h', header());
await write('docs/protocol.md', page());
