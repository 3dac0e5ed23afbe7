import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { REPOSITORY, inSandbox } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { PATIENCE } from '../harness/wait.ts';

const current = join(REPOSITORY, 'build/rt');
/** The binary of an earlier state of rt, which `make test-upgrade` names from the root of the repository. */
const { RT_EARLIER } = process.env;
const earlier = RT_EARLIER === undefined ? undefined : resolve(REPOSITORY, RT_EARLIER);

interface Change {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** A sandbox whose runtime is one file, as an engine knows it, and which is replaced while containers exist. */
export interface Upgraded {
  readonly rt: Sandbox;
  /** Replaces the binary as a package manager does: by rename(2), while it may be running. */
  readonly exchange: () => void;
}

function changes(): Change[] {
  if (earlier === undefined) return [];
  return [
    { name: 'upgrade', before: earlier, after: current },
    { name: 'downgrade', before: current, after: earlier },
  ];
}

/** Declares a case that runs twice: a container made by the earlier binary meets the current one, and the reverse. */
export function forEachChange(
  name: string,
  body: (t: Test, upgraded: Upgraded) => Promise<void>,
  lacking?: string,
): void {
  const reason = earlier === undefined ? 'no earlier binary: make test-upgrade' : lacking;
  if (reason !== undefined) void t.test(name, { skip: reason }, () => undefined);
  else for (const change of changes()) declare(name, change, body);
}

function declare(
  name: string,
  { name: change, before, after }: Change,
  body: (t: Test, upgraded: Upgraded) => Promise<void>,
): void {
  void t.test(`${name} (${change})`, { timeout: 300_000 * PATIENCE }, async (t) => {
    const directory = mkdtempSync(join(REPOSITORY, 'build/upgrade/exchange-'));
    const program = join(directory, 'rt');
    copyFileSync(before, program);
    try {
      await inSandbox(t, { name: change, argv: [program], ours: true }, async (t, rt) => {
        const exchange = (): void => {
          copyFileSync(after, `${program}.new`);
          renameSync(`${program}.new`, program);
        };
        await body(t, { rt, exchange });
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
