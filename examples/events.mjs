// The usage of a container while it runs.
import { AsyncRuntime } from 'rt';
import { withBundle } from './shared.mjs';

const runtime = new AsyncRuntime();
await withBundle(process.argv[2], 'while :; do :; done', async (bundle) => {
  const container = await runtime.run('example-events', { bundle, stdout: 'ignore', stderr: 'ignore' });
  let last = 0;
  for await (const event of runtime.events('example-events', { interval: 100 })) {
    if (event.type !== 'stats') continue;
    const { total } = event.data.cpu.usage;
    if (last > 0 && total > last) break;
    last = total;
  }
  console.log('it uses the processor');
  container.close();
  await container.ended;
});
