import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from 'tap-parser';
import type { Result } from 'tap-parser';

/** The result of one program with one runtime. */
export interface Verdict {
  readonly passed: boolean;
  /** The number of assertions without skipped ones. */
  readonly assertions: number;
  /** The descriptions of those that failed. */
  readonly failed: readonly string[];
  /** The reason why it did not pass although no assertion failed. */
  readonly complaint?: string;
  /** It passed by exit status and TAP alone. */
  readonly onlyRemarked: boolean;
  /** Leftovers of the runtime on the host. They do not affect the verdict: a program may end early. */
  readonly left: readonly string[];
}

/** Reads the results of programs.sh in a directory, by the names of the programs. */
export function judgeAll(directory: string): Map<string, Verdict> {
  if (!existsSync(directory)) return new Map();
  const programs = readdirSync(directory).filter((name) => name.endsWith('.tap'));
  return new Map(programs.map((file) => [file.slice(0, -'.tap'.length), judge(directory, file.slice(0, -4))]));
}

function judge(directory: string, program: string): Verdict {
  const read = (suffix: string): string => {
    const path = join(directory, `${program}.${suffix}`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const output = read('tap');
  const results = Parser.parse(output)
    .filter(([event]) => event === 'assert')
    .map(([, result]) => result as Result)
    .filter((result) => result.skip === false);
  const failed = results.filter((result) => !result.ok && result.todo === false).map((result) => result.name);
  const status = read('status').trim();
  const complaint = complaintOf(status, results.length, output, read('err'));
  return {
    passed: failed.length === 0 && complaint === undefined,
    assertions: results.length,
    failed,
    ...(complaint === undefined ? {} : { complaint }),
    onlyRemarked: complaint !== undefined && status === '0' && failed.length === 0,
    left: read('left')
      .split('\n')
      .filter((line) => line !== ''),
  };
}

/**
 * TAP is not enough: the programs for hooks make no assertions and end with status 0. They report errors in a
 * diagnostic, which TAP consumers ignore.
 */
function complaintOf(status: string, assertions: number, output: string, errors: string): string | undefined {
  if (status !== '0') return `exit status ${status}: ${lastLine(errors)}`;
  if (assertions > 0) return undefined;
  const diagnostic = /^ {4}"error": (".*"),?$/m.exec(output)?.[1];
  return diagnostic === undefined ? undefined : (JSON.parse(diagnostic) as string).replace(/\s+/g, ' ');
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
