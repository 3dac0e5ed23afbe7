import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBundle, makeRootfs } from '../bench/bundles.ts';
import { dockerConfig } from '../bench/configs.ts';
import type { Config } from '../bench/configs.ts';

/** The environment of a race: a runtime with its state root, the names of two containers, and their bundles. */
export interface Ground {
  readonly dir: string;
  /** Command of the runtime with its state root. */
  readonly runtime: readonly string[];
  readonly ids: readonly string[];
  readonly bundles: readonly string[];
  /** With a program that ends by itself. */
  readonly short: string;
  /** A list of mounts to add. */
  readonly mounts: string;
}

const hook = [{ path: '/bin/true' }];

/** Each like Docker's, in the cgroup named after its container. */
export function makeGround(dir: string, prefix: string, runtime: readonly string[]): Ground {
  const place = { dir, prefix };
  const rootfs = makeRootfs(place);
  mkdirSync(join(rootfs, 'extra'));
  const files = join(dir, 'files');
  mkdirSync(files);
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(files, name), '');
  const bundle = (name: string, seconds: string, change: Config = {}, linux: Config = {}): string => {
    const config = dockerConfig('', files);
    (config['process'] as Config)['args'] = ['/bin/busybox', 'sleep', seconds];
    Object.assign(config, change);
    Object.assign(config['linux'] as Config, linux);
    return makeBundle(place, name, config);
  };
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const { namespaces } = dockerConfig('', files)['linux'] as { namespaces: object[] };
  const mounts = join(dir, 'mounts.json');
  writeFileSync(mounts, JSON.stringify([{ destination: '/extra', type: 'tmpfs', source: 'tmpfs' }]));
  return {
    dir,
    runtime,
    ids: [`${prefix}a`, `${prefix}b`],
    short: bundle('short', '0.02'),
    bundles: [
      bundle('long', '86400'),
      bundle('hooked', '86400', {
        hooks: { createRuntime: hook, createContainer: hook, startContainer: hook, poststart: hook, poststop: hook },
      }),
      bundle(
        'mapped',
        '86400',
        {},
        {
          namespaces: [...namespaces, { type: 'user' }],
          uidMappings: mapping,
          gidMappings: mapping,
          sysctl: {},
        },
      ),
      bundle('short-lived', '0.02'),
    ],
    mounts,
  };
}
