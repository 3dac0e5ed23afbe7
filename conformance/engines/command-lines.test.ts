/**
 * Command lines of engines: whatever they print and return with a peer, they print and return with rt. Both engines do the
 * same steps side by side, since later lines need what earlier ones have made.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { Containerd } from '../harness/containerd.ts';
import { Docker } from '../harness/docker.ts';
import { cleanUp, leftovers, takeSnapshot } from '../harness/leftovers.ts';
import { Podman } from '../harness/podman.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { REPOSITORY } from '../harness/runtimes.ts';
import { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';
import { BUILDAH_LINES, CTR_LINES, DOCKER_LINES, PODMAN_LINES } from './command-lines.ts';
import type { Line } from './command-lines.ts';

interface Engine {
  /** Options of every `run`, as words of a shell. */
  readonly runOptions: string;
  readonly argv: (...words: string[]) => string[];
  readonly env: Record<string, string>;
  readonly stop: () => Promise<void>;
}

type Start = (sandbox: Sandbox) => Promise<Engine>;

const quote = (word: string): string => `'${word}'`;

const ENGINES: readonly { readonly name: string; readonly start: Start; readonly lines: readonly Line[] }[] = [
  {
    name: 'docker',
    lines: DOCKER_LINES,
    async start(sandbox) {
      const docker = await Docker.start(sandbox, { keepConfig: false });
      const argv = (...words: string[]): string[] => docker.argv(...words);
      return { runOptions: '--network none', argv, env: sandbox.env, stop: () => docker.stop() };
    },
  },
  {
    name: 'podman',
    lines: PODMAN_LINES,
    async start(sandbox) {
      const podman = await Podman.start(sandbox);
      const argv = (...words: string[]): string[] => podman.argv(...words);
      const [, ...options] = podman.runWords([]);
      return { runOptions: options.slice(0, -1).join(' '), argv, env: podman.env, stop: () => podman.stop() };
    },
  },
  {
    name: 'buildah',
    lines: BUILDAH_LINES,
    async start(sandbox) {
      const podman = await Podman.start(sandbox);
      const argv = (...words: string[]): string[] => podman.buildah(...words);
      const stop = async (): Promise<void> => {
        await run(podman.buildah('rm', '--all'), { env: podman.buildahEnv });
        await podman.stop();
      };
      return { runOptions: '--network none', argv, env: podman.buildahEnv, stop };
    },
  },
  {
    name: 'ctr',
    lines: CTR_LINES,
    async start(sandbox) {
      const containerd = await Containerd.start(sandbox, 'containerd 1');
      const argv = (...words: string[]): string[] => containerd.argv(...words);
      const [, ...options] = containerd.runWords([], '');
      return {
        // The last but one is the root filesystem, which follows the other options.
        runOptions: options.slice(0, -1).join(' '),
        argv,
        env: containerd.env,
        stop: () => containerd.stop(),
      };
    },
  },
];

/** A new engine in a sandbox of its own, with files that its lines use in the directory `$DIR`. */
class Side {
  readonly sandbox: Sandbox;
  readonly #prelude: string;
  readonly #engine: Engine;
  readonly stop: () => Promise<void>;

  constructor(sandbox: Sandbox, name: string, engine: Engine) {
    this.sandbox = sandbox;
    this.#engine = engine;
    this.stop = engine.stop;
    const dir = join(sandbox.dir, 'files');
    mkdirSync(dir);
    writeFileSync(join(dir, 'env'), 'FROM_FILE=1\n');
    const denied = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }];
    writeFileSync(join(dir, 'seccomp.json'), JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: denied }));
    this.#prelude = [
      `${name}() { command ${engine.argv().map(quote).join(' ')} "$@"; }`,
      // The condition of a line that needs what happens by itself: `await PATTERN COMMAND`.
      'await() { p=$1; shift; until "$@" 2>&1 | grep -q "$p"; do sleep 0.05; done; }',
      `DIR=${quote(dir)}`,
      `RUN="${engine.runOptions}"`,
      '',
    ].join('\n');
  }

  async execute(line: string): Promise<Outcome> {
    const outcome = await run(['sh', '-c', `${this.#prelude}${line}`], { env: this.#engine.env, deadline: 60_000 });
    return {
      status: outcome.status,
      stdout: this.#normalise(outcome.stdout),
      // containerd warns of cgroup v1.
      stderr: this.#normalise(outcome.stderr.replace(/^.*msg="DEPRECATION:.*\n/gm, '')),
    };
  }

  /** Without what differs from run to run. */
  #normalise(text: string): string {
    return text
      .replaceAll(this.sandbox.dir, 'SANDBOX')
      .replaceAll(this.sandbox.prefix, 'PREFIX-')
      .replace(/\b[0-9a-f]{64}\b/g, 'ID')
      .replace(/\b[0-9a-f]{11,12}\b/g, 'SHORT')
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d( UTC)?)?/g, 'TIME')
      .replace(/(Up|Created|Exited \(\d+\)) (Less than a second|About an? \w+|\d+ \w+)( ago)?/g, '$1 AGO');
  }
}

/** Each runtime has its own words for an error, on either stream: they have the cause in common. */
function comparable(outcome: Outcome, cause: RegExp | undefined): Outcome {
  const { status, stdout, stderr } = outcome;
  const isKnown = status !== 0 && cause?.test(stdout + stderr) === true;
  return isKnown ? { status, stdout: '', stderr: `matches ${String(cause)}` } : outcome;
}

async function compare(t: Test, { line, status, cause, differs }: Line, peer: Side, ours: Side): Promise<void> {
  const outcomes = await Promise.all([peer.execute(line), ours.execute(line)]);
  const [theirs, own] = outcomes.map((outcome) => comparable(outcome, cause)) as [Outcome, Outcome];
  if (status !== undefined) t.equal(theirs.status, status, `${line}: with the peer: ${theirs.stderr}`);
  if (differs === undefined) t.strictSame(own, theirs, line);
  else t.notSame(own, theirs, `${line}: no longer differs: ${differs}`);
}

const runtimes = (process.env['RT_RUNTIMES'] ?? 'runc,rt').split(',');
const peer = runtimes.find((name) => name !== 'rt' && name !== 'node') ?? 'runc';

for (const { name, start, lines } of ENGINES) {
  const skip = peer === 'crun' && name !== 'podman' && name !== 'buildah' ? 'crun is the runtime of Podman' : false;
  void t.test(`${name} prints the same with ${peer} and with rt`, { skip }, async (t) => {
    const before = takeSnapshot();
    const sandboxes = [
      new Sandbox({ name: peer, argv: [peer], ours: false }),
      new Sandbox({ name: 'rt', argv: [join(REPOSITORY, 'build/rt')], ours: true }),
    ] as const;
    const sides: Side[] = [];
    try {
      for (const sandbox of sandboxes) sides.push(new Side(sandbox, name, await start(sandbox)));
      const [theirs, own] = sides as [Side, Side];
      for (const line of lines) await compare(t, line, theirs, own);
    } finally {
      for (const side of sides) await side.stop();
      // crun gives it to the user of the container.
      const ours = (line: string): boolean => peer !== 'crun' || !line.includes('/dev/null');
      const remaining = (): string[] => sandboxes.flatMap((sandbox) => leftovers(sandbox, before)).filter(ours);
      await until('nothing remains', () => remaining().length === 0, 5000).catch(() => undefined);
      t.strictSame(remaining(), [], 'nothing remains');
      for (const sandbox of sandboxes) {
        await cleanUp(sandbox, before);
        sandbox.remove();
      }
    }
  });
}
