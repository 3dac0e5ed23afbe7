import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../bench/bundles.ts';
import { makeBundle } from '../bench/bundles.ts';
import { dockerConfig } from '../bench/configs.ts';
import type { Config } from '../bench/configs.ts';

const workers = 2;

/** Additional parameters of the load. */
export function makeFiles({ dir }: Place): void {
  mkdirSync(join(dir, 'files'));
  for (const file of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(dir, 'files', file), '');
}

export interface Host {
  readonly place: Place;
  /** Command of the runtime with its state root. */
  readonly runtime: readonly string[];
  /** Value of `--root`. */
  readonly state: string;
}

/**
 * Runs `once` the given number of times, distributed over the workers. `each` receives the number of completed runs.
 */
async function share(
  times: number,
  once: (worker: number) => Promise<void>,
  each: (done: number) => void,
): Promise<void> {
  let [begun, done] = [0, 0];
  const work = async (_: unknown, worker: number): Promise<void> => {
    while (begun++ < times) {
      await once(worker);
      each(++done);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

/** Throws unless the command exits with 0. */
function call({ place }: Host, argv: readonly string[], name: string): Promise<void> {
  const [file = '', ...args] = argv;
  const log = join(place.dir, 'files', `${name}.stderr`);
  const stderr = openSync(log, 'w');
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', stderr] });
    closeSync(stderr);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${argv.join(' ')} ended with ${signal ?? String(code)}: ${readFileSync(log, 'utf8')}`));
    });
  });
}

/** A config like Docker's, with a separate cgroup for each worker. */
function bundle({ place }: Host, name: string, change: (config: Config) => void = () => undefined): string {
  const config = dockerConfig(`/${place.prefix}${name}`, join(place.dir, 'files'));
  change(config);
  return makeBundle(place, name, config);
}

function inUserNamespace(config: Config): void {
  const linux = config['linux'] as Config;
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  linux['namespaces'] = [...(linux['namespaces'] as object[]), { type: 'user' }];
  Object.assign(linux, { uidMappings: mapping, gidMappings: mapping });
  // Its groups are not mapped; Docker omits it, too.
  delete linux['sysctl'];
}

/** `run` of /bin/true, from start to end. */
export async function runs(host: Host, times: number, mapped: boolean, each: (done: number) => void): Promise<void> {
  const kind = mapped ? 'mapped' : 'run';
  const bundles = Array.from({ length: workers }, (_, worker) =>
    bundle(host, `${kind}-${String(worker)}`, mapped ? inUserNamespace : undefined),
  );
  await share(
    times,
    async (worker) => {
      const name = `${host.place.prefix}${kind}-${String(worker)}`;
      await call(host, [...host.runtime, 'run', '--bundle', bundles[worker] ?? '', name], name);
    },
    each,
  );
}

/** `exec` of /bin/true into one running container. */
export async function execs(host: Host, times: number, each: (done: number) => void): Promise<void> {
  const id = `${host.place.prefix}exec`;
  const directory = bundle(host, 'exec', (config) => {
    (config['process'] as Config)['args'] = ['/bin/busybox', 'sleep', '86400'];
  });
  await call(host, [...host.runtime, 'run', '--detach', '--bundle', directory, id], id);
  try {
    const once = (worker: number): Promise<void> =>
      call(host, [...host.runtime, 'exec', id, '/bin/true'], `${id}-${String(worker)}`);
    await share(times, once, each);
  } finally {
    await call(host, [...host.runtime, 'delete', '--force', id], id);
  }
}

/** Containers of one long-lived Node process; throws if it has more descriptors or children at the end. */
export async function apiRuns(host: Host, times: number): Promise<void> {
  const directory = bundle(host, 'api');
  const program = join(import.meta.dirname, 'api.ts');
  const id = `${host.place.prefix}api`;
  await call(host, [process.execPath, '--import=tsx', program, host.state, directory, id, String(times)], 'api');
}
