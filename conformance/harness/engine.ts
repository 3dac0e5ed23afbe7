import type { Test } from 'tap';
import { forEachRuntime } from './runtimes.ts';
import type { CaseOptions } from './runtimes.ts';
import type { Sandbox } from './sandbox.ts';

/** A container engine that a case has to itself. */
interface Engine {
  stop(): Promise<void>;
}

/** Declares a case for each runtime, with an engine that is started for it and ended after it. */
export function forEachEngine<Kind extends Engine>(
  name: string,
  start: (rt: Sandbox) => Promise<Kind>,
  body: (t: Test, engine: Kind, rt: Sandbox) => Promise<void>,
  options?: CaseOptions,
): void {
  forEachRuntime(
    name,
    async (t, rt) => {
      const engine = await start(rt);
      try {
        await body(t, engine, rt);
      } finally {
        await engine.stop();
      }
    },
    options,
  );
}
