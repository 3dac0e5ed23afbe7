// What the examples with a container of their own have in common: a bundle with a hardened config.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox } from 'rt';

/** Calls `use` with a bundle whose program is a script, and removes it. */
export async function withBundle(rootfs, script, use) {
  const bundle = await mkdtemp(join(tmpdir(), 'rt-example-'));
  try {
    const { config } = new Sandbox({ rootfs, args: ['/bin/sh', '-c', script] });
    await writeFile(join(bundle, 'config.json'), JSON.stringify(config, null, 2));
    await use(bundle);
  } finally {
    await rm(bundle, { recursive: true });
  }
}
