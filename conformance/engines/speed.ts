/**
 * Time of `docker run --rm` and `ctr run --rm` of /bin/true by runtime. One round runs each of them once, each in a
 * separate engine, so that a slow minute of the machine affects all.
 *
 *   unshare --mount conformance/harness/own-cgroups.sh conformance/harness/with-controllers.sh hugetlb,rdma,misc \
 *     node --import=tsx conformance/engines/speed.ts [ROUNDS]
 */
import { join } from 'node:path';
import { Containerd } from '../harness/containerd.ts';
import { Docker } from '../harness/docker.ts';
import type { Outcome } from '../harness/process.ts';
import { Sandbox } from '../harness/sandbox.ts';

const RUNTIMES: Readonly<Record<string, string>> = {
  rt: join(import.meta.dirname, '..', '..', 'build', 'rt'),
  crun: '/usr/bin/crun',
  runc: '/usr/sbin/runc',
};
const rounds = Number(process.argv[2] ?? '20');

interface Engine {
  stop(): Promise<void>;
}

/** Medians in milliseconds by runtime. */
async function measure<Kind extends Engine>(
  start: (sandbox: Sandbox) => Promise<Kind>,
  call: (engine: Kind, round: number) => Promise<Outcome>,
): Promise<Map<string, number>> {
  const sandboxes: Sandbox[] = [];
  const engines: { name: string; engine: Kind; times: number[] }[] = [];
  try {
    for (const [name, path] of Object.entries(RUNTIMES)) {
      const sandbox = new Sandbox({ name, argv: [path], ours: name === 'rt' });
      sandboxes.push(sandbox);
      engines.push({ name, engine: await start(sandbox), times: [] });
    }
    for (let round = 0; round <= rounds; round++) {
      for (const { name, engine, times } of engines) {
        const before = performance.now();
        const outcome = await call(engine, round);
        if (outcome.status !== 0) throw new Error(`${name}: ${outcome.stderr}`);
        // The first round fills caches.
        if (round > 0) times.push(performance.now() - before);
      }
    }
  } finally {
    for (const { engine } of engines) await engine.stop();
    for (const sandbox of sandboxes) sandbox.remove();
  }
  const median = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  return new Map(engines.map(({ name, times }) => [name, median(times)]));
}

function print(what: string, medians: Map<string, number>): void {
  const rt = medians.get('rt') ?? 0;
  const cells = [...medians].map(([name, time]) => `${name} ${time.toFixed(0)} ms`);
  const ratios = ['crun', 'runc'].map((name) => `rt/${name} ${(rt / (medians.get(name) ?? 0)).toFixed(2)}`);
  console.log(`${what}: ${[...cells, ...ratios].join(', ')}`);
}

print(
  'docker run --rm',
  await measure(
    (sandbox) => Docker.start(sandbox, { keepConfig: false }),
    (docker) => docker.run([], '/bin/true'),
  ),
);
print(
  'ctr run --rm',
  await measure(
    (sandbox) => Containerd.start(sandbox, 'containerd 1'),
    (engine, round) => engine.run([], `c${round}`, '/bin/true'),
  ),
);
