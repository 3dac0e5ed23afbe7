// A program that is written to files, and continues in another container.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AsyncRuntime } from 'rt';

const runtime = new AsyncRuntime();
const bundle = await mkdtemp(join(tmpdir(), 'rt-example-'));
const config = await runtime.spec();
config.root.path = resolve(process.argv[2]);
Object.assign(config.process, { terminal: false, args: ['/bin/sleep', '100'] });
await writeFile(join(bundle, 'config.json'), JSON.stringify(config));
const images = { imagePath: join(bundle, 'images') };
try {
  await runtime.create('example-before', { bundle });
  await runtime.start('example-before');
  await runtime.checkpoint('example-before', images);
  await runtime.restore('example-after', { bundle, ...images });
  const { id, status } = await runtime.state('example-after');
  console.log(id, status);
} finally {
  await runtime.delete('example-after', { force: true });
  await runtime.delete('example-before', { force: true });
  await rm(bundle, { recursive: true });
}
