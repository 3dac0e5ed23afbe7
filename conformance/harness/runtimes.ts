import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { cleanUp, leftovers, restoreMounts, takeSnapshot } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';
import type { Runtime } from './sandbox.ts';
import { PATIENCE, until } from './wait.ts';

export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Without the loader that tap adds to every child Node: it makes the standard streams non-blocking. */
export const PLAIN_NODE = ['/usr/bin/env', '--unset=NODE_OPTIONS', process.execPath];

/**
 * Runtimes named by RT_RUNTIMES: `rt` and `node` are the two hosts of this project, `sanitized` is the first with
 * sanitizers, anything else is a command.
 */
const RUNTIMES: readonly Runtime[] = (process.env['RT_RUNTIMES'] ?? 'rt,node').split(',').map((word) => {
  if (word === 'rt') return { name: word, argv: [join(REPOSITORY, 'build', 'rt')], ours: true };
  if (word === 'sanitized') return { name: word, argv: [join(REPOSITORY, 'build/sanitized/rt')], ours: true };
  if (word === 'node')
    return { name: word, argv: [...PLAIN_NODE, join(REPOSITORY, 'build', 'node', 'rt.js')], ours: true };
  return { name: word, argv: [word], ours: false };
});

// A file contains many cases, each of which starts several containers; every command has its own deadline.
t.setTimeout(900_000 * PATIENCE);

export interface CaseOptions {
  /** Why the case does not apply to other runtimes. Skips the peers. */
  readonly oursOnly?: string;
  /**
   * A feature that rt refuses with an error until it is implemented. Skips our hosts; the peers show that the case is
   * correct.
   */
  readonly notYet?: string;
  /** Requirement of the case that this host lacks, if any. Skips all runtimes. */
  readonly lacking?: string | undefined;
  /** Runtimes known to behave differently, with the reason. Skips these. */
  readonly deviates?: Readonly<Record<string, string>>;
}

/**
 * Declares one case, run once for each runtime in a new sandbox. The case fails if anything of it remains:
 * a process, a mount, a cgroup, a state directory, a temporary file, or a changed setting of the host.
 */
export function forEachRuntime(
  name: string,
  body: (t: Test, rt: Sandbox) => Promise<void>,
  options: CaseOptions = {},
): void {
  for (const runtime of RUNTIMES) {
    const reason =
      options.lacking ?? options.deviates?.[runtime.name] ?? (runtime.ours ? options.notYet : options.oursOnly);
    void t.test(`${name} (${runtime.name})`, { skip: reason ?? false, timeout: 120_000 * PATIENCE }, (t) =>
      inSandbox(t, runtime, body),
    );
  }
}

/** Runs a case in a new sandbox of the runtime. It fails if anything of it remains. */
export async function inSandbox(
  t: Test,
  runtime: Runtime,
  body: (t: Test, rt: Sandbox) => Promise<void>,
): Promise<void> {
  const before = takeSnapshot();
  const sandbox = new Sandbox(runtime);
  let remaining = ['the case did not end'];
  try {
    await body(t, sandbox);
    // Processes killed by the last command may not have ended yet, since nobody waits for them.
    await until('nothing remains', () => (remaining = leftovers(sandbox, before)).length === 0, 2000).catch(
      () => undefined,
    );
    t.strictSame(remaining, [], 'nothing remains');
  } finally {
    if (remaining.length > 0) await cleanUp(sandbox, before);
    restoreMounts(before);
    sandbox.remove();
  }
}
