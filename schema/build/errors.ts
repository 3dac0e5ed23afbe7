// Writes docs/errors.md: tsx schema/build/errors.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { errors } from '../errors.ts';

interface Spec {
  readonly ops: readonly { readonly name: string; readonly doc: string }[];
}

const root = new URL('../../', import.meta.url);
const { ops } = JSON.parse(readFileSync(new URL('schema/ops.json', root), 'utf8')) as Spec;

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const page = `# Errors

Generated from schema/errors.ts and schema/ops.json by schema/build/errors.ts; do not edit.

An error is data: a code, which stays the same from version to version, a message, and as far as known its place, its cause and
a cure. With \`--log-format json\`, each failed command writes one record with these members; those without a value are left out.

| member | value |
| --- | --- |
| \`level\`, \`msg\`, \`time\` | as runc writes them; \`msg\` has all messages, places and cures |
| \`code\` | one of the codes below |
| \`phase\` | what failed: \`create\`, \`start\`, \`run\`, \`exec\`, \`checkpoint\` or \`restore\` |
| \`id\` | the container |
| \`pointer\` | the value in config.json that required what failed (JSON pointer, RFC 6901) |
| \`file\`, \`line\`, \`column\` | its place, from 1 |
| \`errno\`, \`syscall\` | the kernel's error, such as ENOENT, and the call that failed |
| \`hint\` | the cure |
| \`others\` | further errors or warnings of the same command, each with its \`msg\` and these members |

## Codes

${row(['code', 'meaning', 'cure'])}
${row(['---', '---', '---'])}
${Object.entries(errors)
  .map(([code, [meaning, cure]]) => row([`\`${code}\``, meaning, cure]))
  .join('\n')}

## Operations

An operation of the plan failed ([ops.md](ops.md)). The message names its object and the errno, the pointer the property
that requires it.

${row(['code', 'what the operation does'])}
${row(['---', '---'])}
${ops.map(({ name, doc }) => row([`\`op.${name}\``, doc.split(/(?<=\.)\s/)[0] ?? doc])).join('\n')}
`;
writeFileSync(new URL('docs/errors.md', root), page);
