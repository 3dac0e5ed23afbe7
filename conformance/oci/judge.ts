import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from 'tap-parser';
import type { Result } from 'tap-parser';

/** What one program said of one runtime. */
export interface Verdict {
  readonly passed: boolean;
  /** Assertions, skipped ones left out. */
  readonly assertions: number;
  /** The words of those that failed. */
  readonly failed: readonly string[];
  /** Why it did not pass though no assertion failed. */
  readonly complaint?: string;
  /** Exit status and TAP alone say that it passed. */
  readonly onlyRemarked: boolean;
  /** What the runtime left on the host. Says nothing about the verdict: a program may end in the middle. */
  readonly left: readonly string[];
}

/** Reads what programs.sh wrote into a directory, by the names of the programs. */
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
 * TAP is not enough: the programs for hooks make no assertion and end with 0; what they have to say stands in a
 * diagnostic, which every TAP consumer takes for a remark.
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
