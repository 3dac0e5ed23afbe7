import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILD = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'build');

/** This machine's compiler, and the one for a virtual machine of that architecture. */
const COMPILERS = { own: 'gcc', arm64: 'aarch64-linux-gnu-gcc' } as const;

export type Target = keyof typeof COMPILERS;

/** `arch` is Debian's name of a machine's architecture. */
export function targetOf(arch: 'amd64' | 'arm64'): Target {
  return arch === 'arm64' && process.arch !== 'arm64' ? arch : 'own';
}

/**
 * Path of a static program, compiled if one of its sources is newer: a virtual machine, which has no compiler, gets it with
 * them.
 */
export function compiled(name: string, sources: readonly string[], target: Target, ...options: string[]): string {
  const directory = join(BUILD, ...(target === 'own' ? [] : [target]), 'conformance');
  const output = join(directory, name);
  const newest = Math.max(...sources.map((source) => statSync(source).mtimeMs));
  if (!existsSync(output) || statSync(output).mtimeMs < newest) {
    mkdirSync(directory, { recursive: true });
    // Built under another name and renamed: cases run in parallel, and another one may be copying the old file.
    const aside = `${output}.${process.pid}`;
    const programs = sources.filter((source) => source.endsWith('.c'));
    const usual = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-static', '-s'];
    execFileSync(COMPILERS[target], [...usual, ...options, '-o', aside, ...programs]);
    renameSync(aside, output);
  }
  return output;
}
