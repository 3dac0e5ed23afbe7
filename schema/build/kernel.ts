/**
 * The kernel's headers -> src/kernel/*.ts, the numbers of its interface that TypeScript has a use for; and for C
 * native/generated/kernel.c, which does not compile where one of them differs, and native/generated/open_flags.h.
 * Run by `make generate`. A number that is missing goes into `files` below.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

interface Group {
  readonly doc: string;
  /** Of the kernel's headers; those of the C library where the kernel publishes none. */
  readonly headers: readonly string[];
  /** Makes one object of the group in place of a constant for each number. */
  readonly object?: string;
  readonly base?: 8 | 10 | 16;
  /** The name in TypeScript and, where it is not the same, the expression of C. */
  readonly numbers: readonly (string | readonly [name: string, expression: string])[];
  /** Numbers that the headers of Debian 12 do not have. */
  readonly unpublished?: Readonly<Record<string, number>>;
  /** That the numbers are not those of each architecture: nothing checks them. */
  readonly generic?: true;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

const openFlags: Group = {
  doc:
    'Flags of `open` and `writeText` of Native, on every architecture: the numbers of asm-generic/fcntl.h. Some ' +
    'architectures have others for some of them (arm64: O_DIRECTORY, O_NOFOLLOW), so C makes its own of these ' +
    '(native/host/files.c) and refuses one that it does not know.',
  headers: ['asm-generic/fcntl.h'],
  base: 8,
  generic: true,
  numbers: words(`O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND O_NONBLOCK O_DIRECTORY O_NOFOLLOW
    O_SYNC O_PATH`),
};

const files: Readonly<Record<string, readonly Group[]>> = {
  errno: [
    {
      doc: 'The error numbers that code decides by.',
      headers: ['asm/errno.h'],
      numbers: words(`EPERM ENOENT ESRCH ENXIO ENOEXEC EBADF EAGAIN EACCES EBUSY EEXIST ENODEV ENOTDIR EISDIR EINVAL
        EFBIG EPIPE EDEADLK ENOSYS ENOTEMPTY ELOOP EOPNOTSUPP EADDRINUSE ECONNRESET ETIMEDOUT ECONNREFUSED`),
    },
  ],
  'open-flags': [openFlags],
  files: [
    {
      doc: 'The type of a file in the mode that stat(2) reports: inode(7).',
      headers: ['sys/stat.h'],
      base: 8,
      numbers: words('S_IFMT S_IFIFO S_IFCHR S_IFDIR S_IFBLK S_IFREG S_IFLNK'),
    },
  ],
};

const root = new URL('../../', import.meta.url);
const note = "Generated from the kernel's headers by schema/build/kernel.ts; do not edit.";

function namesOf({ numbers }: Group): (readonly [name: string, expression: string])[] {
  return numbers.map((number) => (typeof number === 'string' ? [number, number] : number));
}

/** Lines that a C program prints. */
function runC(source: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'rt-kernel-'));
  try {
    const program = join(directory, 'numbers');
    writeFileSync(`${program}.c`, source);
    execFileSync(process.env['CC'] ?? 'cc', [`${program}.c`, '-o', program], { stdio: 'inherit' });
    return execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function includes(headers: readonly string[]): string {
  return headers.map((header) => `#include <${header}>\n`).join('');
}

/** The numbers of a group, by expression. */
function readNumbers(group: Group): ReadonlyMap<string, number> {
  const unpublished = new Map(Object.entries(group.unpublished ?? {}));
  const asked = namesOf(group).flatMap(([, expression]) => (unpublished.has(expression) ? [] : [expression]));
  const prints = asked.map((expression) => `\tprintf("%lld\\n", (long long)(${expression}));\n`).join('');
  const found = runC(`#include <stdio.h>\n${includes(group.headers)}int main(void)\n{\n${prints}\treturn 0;\n}\n`);
  return new Map([...unpublished, ...asked.map((expression, index) => [expression, Number(found[index])] as const)]);
}

/** A docstring in lines of at most 120 characters. */
function comment(text: string): string {
  if (text.length <= 113) return `/** ${text} */\n`;
  const lines = text.replaceAll(/(.{1,116})(?: |$)/g, ' * $1\n');
  return `/**\n${lines} */\n`;
}

function literal(value: number, base: Group['base']): string {
  if (base === undefined || base === 10 || value < 8) return String(value);
  return base === 8 ? `0o${value.toString(8)}` : `0x${value.toString(16)}`;
}

function typescript(group: Group, numbers: ReadonlyMap<string, number>): string {
  const valueOf = (expression: string): string => literal(numbers.get(expression) ?? NaN, group.base);
  const doc = comment(group.doc);
  if (group.object === undefined) {
    return (
      doc +
      namesOf(group)
        .map(([name, expression]) => `export const ${name} = ${valueOf(expression)};\n`)
        .join('')
    );
  }
  const members = namesOf(group).map(([name, expression]) => {
    const comment = expression.endsWith(name) ? '' : ` // ${expression}`;
    return `  ${name}: ${valueOf(expression)},${comment}\n`;
  });
  return `${doc}export const ${group.object} = {\n${members.join('')}} as const;\n`;
}

function errorTable(): string {
  const macros = execFileSync(
    process.env['CC'] ?? 'cc',
    ['-E', '-dM', '-x', 'c', '-include', 'asm/errno.h', '/dev/null'],
    {
      encoding: 'utf8',
    },
  );
  const all = [...macros.matchAll(/^#define (E[A-Z0-9]+) (\d+)$/gm)]
    .map(([, name = '', number]) => ({ name, number: Number(number) }))
    .sort((one, other) => one.number - other.number);
  const prints = all.map(({ number }) => `\tputs(strerror(${String(number)}));\n`).join('');
  const texts = runC(`#include <stdio.h>\n#include <string.h>\nint main(void)\n{\n${prints}\treturn 0;\n}\n`);
  const rows = all.map(({ name, number }, index) => {
    const text = texts[index] ?? '';
    // RFS, XENIX, .lib and I/O keep their case.
    const isWord = /^[A-Z][a-z]/.test(text);
    return `    ${String(number)}: ['${name}', '${isWord ? text.charAt(0).toLowerCase() + text.slice(1) : text}'],\n`;
  });
  const doc = comment(
    'Every error number with its name and the words of strerror(3), in lower case because they end a sentence. Made ' +
      'only when something failed, so that a start does not pay for it.',
  );
  return (
    `${doc}export function errorTable(): Readonly<Record<number, readonly [name: string, text: string]>> {\n` +
    `  return {\n${rows.join('')}  };\n}\n`
  );
}

function checks(): string {
  const groups = Object.values(files)
    .flat()
    .filter(({ generic }) => generic === undefined);
  const headers = [...new Set(groups.flatMap((group) => group.headers))].sort();
  const lines = groups.flatMap((group) => {
    const numbers = readNumbers(group);
    return namesOf(group).flatMap(([, expression]) =>
      group.unpublished?.[expression] === undefined
        ? [`_Static_assert((${expression}) == ${String(numbers.get(expression))}, "${expression}");\n`]
        : [],
    );
  });
  return (
    `/* ${note}\n * The numbers of src/kernel, which are those of every architecture that this compiles for. */\n` +
    `${includes(headers)}\n${lines.join('')}`
  );
}

function openFlagsOfC(): string {
  const numbers = readNumbers(openFlags);
  const rows = namesOf(openFlags).flatMap(([name]) => {
    const value = numbers.get(name) ?? NaN;
    return value <= 3 ? [] : [`\t{0${value.toString(8)}, ${name}},`];
  });
  return `/* ${note} */\n#pragma once\n\n#define RT_OPEN_FLAGS { \\\n${rows.map((row) => `${row} \\\n`).join('')}}\n`;
}

mkdirSync(new URL('src/kernel/', root), { recursive: true });
for (const [name, groups] of Object.entries(files)) {
  const parts = groups.map((group) => typescript(group, readNumbers(group)));
  if (name === 'errno') parts.push(errorTable());
  const text = `// ${note}\n\n${parts.join('\n')}`;
  writeFileSync(
    fileURLToPath(new URL(`src/kernel/${name}.ts`, root)),
    await format(text, { parser: 'typescript', singleQuote: true, printWidth: 120 }),
  );
}
writeFileSync(new URL('native/generated/kernel.c', root), checks());
writeFileSync(new URL('native/generated/open_flags.h', root), openFlagsOfC());
