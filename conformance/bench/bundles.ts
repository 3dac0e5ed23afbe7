import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerConfig, specConfig } from './configs.ts';
import type { Config } from './configs.ts';

/** The place of everything measured. */
export interface Place {
  /** Temporary directory. */
  readonly dir: string;
  /** Prefix of the names of all cgroups and containers. */
  readonly prefix: string;
}

/** A root filesystem for all runtimes: busybox and /bin/true. */
export function makeRootfs({ dir }: Place): string {
  const rootfs = join(dir, 'rootfs');
  for (const sub of ['bin', 'etc', 'dev', 'proc', 'sys']) mkdirSync(join(rootfs, sub), { recursive: true });
  copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'));
  symlinkSync('busybox', join(rootfs, 'bin/true'));
  return rootfs;
}

export function makeBundle({ dir }: Place, name: string, config: Config): string {
  const bundle = join(dir, name);
  mkdirSync(bundle, { recursive: true });
  config['root'] = { ...(config['root'] as Config), path: join(dir, 'rootfs') };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

/** A bundle as made by `spec`, with another program and other resources. */
export function specBundle(place: Place, name: string, args: readonly string[], resources: Config = {}): string {
  const config = specConfig(`/${place.prefix}${name}`);
  (config['process'] as Config)['args'] = args;
  const linux = config['linux'] as Config;
  linux['resources'] = { ...(linux['resources'] as Config), ...resources };
  return makeBundle(place, name, config);
}

export function dockerBundle(place: Place): string {
  const files = join(place.dir, 'files');
  mkdirSync(files);
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(files, name), '');
  return makeBundle(place, 'docker', dockerConfig(`/${place.prefix}docker`, files));
}
