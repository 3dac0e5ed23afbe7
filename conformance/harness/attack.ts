import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { probePath } from './guest.ts';
import { digest } from './leftovers.ts';
import { start } from './process.ts';
import type { CaseOptions } from './runtimes.ts';
import { forEachRuntime } from './runtimes.ts';
import type { Sandbox } from './sandbox.ts';

/** A host directory outside of every root filesystem, which no container may reach. */
export interface Canary {
  readonly dir: string;
  /** A file in it that only the host's root may read. */
  readonly victim: string;
  /** A directory in it, with a file named `ptmx` as in /dev. */
  readonly devices: string;
  /** A path in it that does not exist. */
  readonly missing: string;
}

/** The contents of the victim. */
export const SECRET = 'of the host';

const SETTINGS = ['core_pattern', 'modprobe', 'hostname', 'sysrq', 'msgmnb'].map((name) => `/proc/sys/kernel/${name}`);

function makeCanary(rt: Sandbox): Canary {
  const dir = join(rt.dir, 'canary');
  const canary = { dir, victim: join(dir, 'victim'), devices: join(dir, 'devices'), missing: join(dir, 'missing') };
  mkdirSync(canary.devices, { recursive: true, mode: 0o700 });
  writeFileSync(canary.victim, SECRET, { mode: 0o600 });
  writeFileSync(join(canary.devices, 'ptmx'), SECRET, { mode: 0o600 });
  return canary;
}

/** The state that an attack would change: the canary, the program of the runtime, settings and devices of the host. */
function hostState(rt: Sandbox, canary: Canary): Record<string, string> {
  const device = (name: string): string => {
    const { uid, gid, mode, rdev } = statSync(join('/dev', name));
    return [uid, gid, mode.toString(8), rdev].join(' ');
  };
  const state: Record<string, string> = { canary: digest(canary.dir), '/dev': readdirSync('/dev').sort().join(' ') };
  if (rt.runtime.ours) for (const file of rt.runtime.argv.slice(-1)) state[file] = digest(file);
  for (const path of SETTINGS) if (existsSync(path)) state[path] = readFileSync(path, 'utf8');
  for (const name of ['null', 'zero', 'full', 'random', 'tty']) state[name] = device(name);
  return state;
}

/** For the table of `make test-attacks`: one line of JSON for each attack and runtime. */
function record(attack: string, runtime: string, verdict: string): void {
  const file = process.env['RT_ATTACKS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ attack, runtime, verdict })}\n`);
}

/**
 * Declares an attack, a case that must also leave the host unchanged. A runtime that refuses to start a container has
 * held.
 */
export function attack(
  name: string,
  body: (t: Test, rt: Sandbox, canary: Canary) => Promise<void>,
  options: CaseOptions = {},
): void {
  forEachRuntime(
    name,
    async (t, rt) => {
      const canary = makeCanary(rt);
      const before = hostState(rt, canary);
      let verdict = 'error';
      try {
        await body(t, rt, canary);
        t.strictSame(hostState(rt, canary), before, 'the host is as it was');
        verdict = t.passing() ? 'held' : 'broken';
      } finally {
        record(name, rt.runtime.name, verdict);
      }
    },
    options,
  );
}

/** Number of tries of a race: RT_ROUNDS, or a default that suits a quick run with this runtime. */
export function rounds(rt: Sandbox, few: number): number {
  const given = process.env['RT_ROUNDS'];
  if (given !== undefined) return Number(given);
  return rt.runtime.name === 'node' ? Math.ceil(few / 4) : few;
}

/**
 * Exchanges two names continuously while `body` runs, as another container that shares a volume could.
 *
 * @param mode set on the file each time
 */
export async function whileExchanging(
  t: Test,
  names: readonly [string, string],
  body: () => Promise<void>,
  mode?: string,
): Promise<void> {
  const words = [probePath(), 'exchange', ...names, ...(mode === undefined ? [] : [mode])];
  const accomplice = start(words, { deadline: 3_600_000 });
  try {
    await body();
  } finally {
    accomplice.child.kill('SIGKILL');
    t.equal((await accomplice.ended).status, 137, 'the accomplice was at work all the time');
  }
}
