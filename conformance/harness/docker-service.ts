import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { makeRootfs } from './guest.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { runtimeFile } from './runtime-file.ts';
import { forEachRuntime } from './runtimes.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Why services of this host may not be changed: only those of a throw-away machine, which says so. */
export const servicesLacking =
  process.env['RT_SERVICES'] === '1' ? undefined : 'services of a machine of its own: make test-engines-vm';

const CONFIGURATION = '/etc/docker/daemon.json';
const SCOPES = 'docker-*.scope';

/** Docker as its package deploys it: the service of systemd with its default driver, network and storage. */
export class DockerService {
  readonly #sandbox: Sandbox;

  private constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** Makes the sandbox's runtime the default one, and starts the service. */
  static async start(sandbox: Sandbox): Promise<DockerService> {
    const service = new DockerService(sandbox);
    await service.setDefault('tested');
    return service;
  }

  /** Makes `tested`, the sandbox's runtime, or `runc` the default one, for which the service is restarted. */
  async setDefault(runtime: 'tested' | 'runc'): Promise<void> {
    const runtimes = { tested: { path: runtimeFile(this.#sandbox, undefined) } };
    const settings = JSON.stringify({ runtimes, 'default-runtime': runtime, 'live-restore': true });
    if (existsSync(CONFIGURATION) && readFileSync(CONFIGURATION, 'utf8') === settings) return;
    mkdirSync(dirname(CONFIGURATION), { recursive: true });
    writeFileSync(CONFIGURATION, settings);
    await this.restart();
  }

  /** Restarts the service and waits until it answers. */
  async restart(): Promise<void> {
    // Its unit allows three starts in a minute; this forgets the earlier ones.
    await run(['systemctl', 'reset-failed', 'docker.service']);
    const outcome = await run(['systemctl', 'restart', 'docker.service'], { deadline: 120_000 });
    if (outcome.status !== 0)
      throw new Error(outcome.stderr + (await run(['journalctl', '--unit', 'docker', '--lines', '20'])).stdout);
    await until('dockerd answers', async () => (await this.command('version')).status === 0, 60_000);
  }

  /** Runs the `docker` client. */
  command(...words: string[]): Promise<Outcome> {
    return run(['docker', ...words], { env: this.#sandbox.env, deadline: 60_000 });
  }

  /** `docker run --rm` of the image with options and a shell script. */
  run(options: string, script: string): Promise<Outcome> {
    const words = options.split(' ').filter(Boolean);
    return this.command('run', '--rm', ...words, 'tiny', '/bin/sh', '-c', script);
  }

  /** Starts a container named `one`, which says `ready` when it has done its part, and returns its id. */
  async detach(t: Test, options: string, script = 'echo ready; exec sleep 1000'): Promise<string> {
    const words = ['run', '--detach', '--name', 'one', ...options.split(' ').filter(Boolean)];
    const started = await this.command(...words, 'tiny', '/bin/sh', '-c', script);
    t.equal(started.status, 0, started.stderr);
    await until('it runs', async () => (await this.command('logs', 'one')).stdout.includes('ready'), 30_000);
    return started.stdout.trim();
  }

  /** One value of a container, by a Go template. */
  async inspect(template: string): Promise<string> {
    return (await this.command('inspect', '--format', template, 'one')).stdout.trim();
  }

  /** Removes all containers; the service goes on. */
  async stop(): Promise<void> {
    const ids = (await this.command('ps', '--all', '--quiet')).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.command('rm', '--force', ...ids);
  }
}

/** Imports the image, and makes what the service makes with the first container and keeps. */
export async function prepareDockerService(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rt-e2e-'));
  const rootfs = join(directory, 'image');
  mkdirSync(rootfs);
  makeRootfs(rootfs);
  const script = `systemctl start docker && tar -C ${rootfs} -c . | docker import - tiny &&
    docker run --rm --network host tiny /bin/true`;
  const outcome = await run(['sh', '-c', script], { deadline: 120_000 });
  rmSync(directory, { recursive: true });
  if (outcome.status !== 0) throw new Error(`docker: ${outcome.stderr}`);
}

/** Removes what the service keeps: Podman would take the bridge for the way out of a machine that has none. */
export async function endDockerService(): Promise<void> {
  const outcome = await run(['sh', '-c', 'systemctl stop docker.socket docker.service && ip link delete docker0']);
  if (outcome.status !== 0) throw new Error(`docker: ${outcome.stderr}`);
}

/** A property of a unit. */
export function unitProperty(unit: string, name: string): string {
  return execFileSync('systemctl', ['show', '--property', name, '--value', unit], { encoding: 'utf8' }).trim();
}

/** Units of containers by a pattern of their names, even failed ones. */
export function scopes(pattern: string): string {
  return execFileSync('systemctl', ['list-units', '--all', '--plain', '--no-legend', pattern], {
    encoding: 'utf8',
  }).trim();
}

/** Declares a case for each runtime; no unit of a container may remain. */
export function forEachDockerService(
  name: string,
  body: (t: Test, docker: DockerService, rt: Sandbox) => Promise<void>,
): void {
  forEachRuntime(
    `docker.service: ${name}`,
    async (t, rt) => {
      const docker = await DockerService.start(rt);
      try {
        await body(t, docker, rt);
      } finally {
        await docker.stop();
      }
      await until('no scope remains', () => scopes(SCOPES) === '', 10_000).catch(() => undefined);
      t.equal(scopes(SCOPES), '', 'no scope remains');
    },
    { lacking: servicesLacking },
  );
}
