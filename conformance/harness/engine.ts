import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { forEachRuntime } from './runtimes.ts';
import type { CaseOptions } from './runtimes.ts';
import type { Sandbox } from './sandbox.ts';

/** A container engine that only one case uses. */
interface Engine {
  stop(): Promise<void>;
}

/** Where shims of containerd listen, independent of its configured directories. A killed one leaves its socket. */
const SHIM_SOCKETS = '/run/containerd/s';

const shimSockets = (): string[] =>
  existsSync(SHIM_SOCKETS) ? readdirSync(SHIM_SOCKETS).map((name) => join(SHIM_SOCKETS, name)) : [];

function removeDeadSockets(before: readonly string[]): void {
  const alive = readFileSync('/proc/net/unix', 'utf8');
  const dead = shimSockets().filter((path) => !before.includes(path) && !alive.includes(path));
  for (const path of dead) rmSync(path, { force: true });
}

/** Declares a case for each runtime, with an engine that is started before it and stopped after it. */
export function forEachEngine<Kind extends Engine>(
  name: string,
  start: (rt: Sandbox) => Promise<Kind>,
  body: (t: Test, engine: Kind, rt: Sandbox) => Promise<void>,
  options?: CaseOptions,
): void {
  forEachRuntime(
    name,
    async (t, rt) => {
      const sockets = shimSockets();
      const engine = await start(rt);
      try {
        await body(t, engine, rt);
      } catch (error) {
        // What it leaves in its way fails the stop, too, and says less.
        await engine.stop().catch(() => undefined);
        removeDeadSockets(sockets);
        throw error;
      }
      await engine.stop();
      removeDeadSockets(sockets);
    },
    options,
  );
}
