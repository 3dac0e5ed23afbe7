import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { servicesLacking } from './docker-service.ts';
import { makeRootfs } from './guest.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { forEachRuntime } from './runtimes.ts';
import type { Sandbox } from './sandbox.ts';

const CONFIGURATION = '/etc/containers/containers.conf';
/** Where users can reach the runtime. */
const RUNTIME = '/usr/local/bin/tested';
/** Users whose ids are subordinate; the first is that of `--userns=auto`. */
const RANGES = 'containers:2147483648:1048576\nuser:300000:65536\n';

export const USER = 'user';
/** Readable for the user. */
const IMAGE = '/tmp/rt-image.tar';

/** Podman with its defaults, of root or of a user with a session of systemd. */
export class PodmanService {
  readonly #env: Record<string, string>;
  readonly #user: string | undefined;

  private constructor(env: Record<string, string>, user: string | undefined) {
    this.#env = env;
    this.#user = user;
  }

  /** Makes the sandbox's runtime the default one. */
  static start(sandbox: Sandbox, user?: string): PodmanService {
    const [file = ''] = sandbox.runtime.argv;
    copyFileSync(file.startsWith('/') ? file : `/usr/bin/${file}`, RUNTIME);
    writeFileSync(CONFIGURATION, `[engine]\nruntime = "tested"\n[engine.runtimes]\ntested = ["${RUNTIME}"]\n`);
    return new PodmanService(sandbox.env, user);
  }

  /** Gives both users what they need, with the image, and runs a container: Podman keeps a mount for networks. */
  static async prepare(): Promise<void> {
    for (const path of ['/etc/subuid', '/etc/subgid']) writeFileSync(path, RANGES);
    // Since shadow 4.20 only an account has ranges.
    await run(['sh', '-c', 'id containers >/dev/null 2>&1 || useradd --system containers']);
    mkdirSync(dirname(CONFIGURATION), { recursive: true });
    // The session outlives its commands, and systemd gives it a cgroup of its own.
    await run(['loginctl', 'enable-linger', USER]);
    // For the network of a user; the machine has no udev, which would make the device.
    await run(['sh', '-c', 'modprobe tun && chmod 666 /dev/net/tun']);
    const directory = mkdtempSync(join(tmpdir(), 'rt-e2e-'));
    makeRootfs(directory);
    await run(['tar', '-C', directory, '-cf', IMAGE, '.']);
    rmSync(directory, { recursive: true });
    for (const user of [undefined, USER]) {
      const podman = new PodmanService({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, user);
      const outcome = await podman.shell(`podman import ${IMAGE} tiny && podman run --rm tiny /bin/true`);
      if (outcome.status !== 0) throw new Error(`podman: ${outcome.stderr}`);
    }
    rmSync(IMAGE);
  }

  /** Any command of the user: in the session, with its bus. */
  async shell(script: string): Promise<Outcome> {
    if (this.#user === undefined)
      return run(['sh', '-c', script], { env: { ...this.#env, HOME: '/root' }, deadline: 60_000 });
    const words = ['--user', '--machine', `${this.#user}@.host`, '--pipe', '--wait', '--quiet', '--collect'];
    // Podman of a unit, which this variable means, would leave the monitor of a container in the unit: systemd would wait for
    // it and kill it. That of a login gives it a scope.
    const ofLogin = `unset INVOCATION_ID; ${script}`;
    return run(['systemd-run', ...words, '/bin/sh', '-c', ofLogin], { deadline: 60_000 });
  }

  /** Runs the `podman` client. */
  command(...words: string[]): Promise<Outcome> {
    return this.shell(['podman', ...words].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '));
  }

  /** `podman run --rm` of the image with options and a shell script. */
  run(options: string, script: string): Promise<Outcome> {
    return this.command('run', '--rm', ...options.split(' ').filter(Boolean), 'tiny', '/bin/sh', '-c', script);
  }

  /** Removes all containers. */
  async stop(): Promise<void> {
    await this.command('pod', 'rm', '--all', '--force', '--time', '0');
    await this.command('rm', '--all', '--force', '--time', '0');
  }
}

/** Declares a case for each runtime, of root or of a user. */
export function forEachPodmanService(
  name: string,
  user: string | undefined,
  body: (t: Test, podman: PodmanService, rt: Sandbox) => Promise<void>,
): void {
  forEachRuntime(
    `podman of ${user === undefined ? 'root' : 'a user'}: ${name}`,
    async (t, rt) => {
      const podman = PodmanService.start(rt, user);
      try {
        await body(t, podman, rt);
      } finally {
        await podman.stop();
      }
    },
    { lacking: servicesLacking },
  );
}
