// New limits for a container that stands still meanwhile.
import { AsyncRuntime } from 'rt';
import { withBundle } from './shared.mjs';

const runtime = new AsyncRuntime();
const id = 'example-update';
await withBundle(process.argv[2], 'while :; do sleep 1; done', async (bundle) => {
  const container = await runtime.run(id, { bundle, stdout: 'ignore', stderr: 'ignore' });
  await runtime.pause(id);
  console.log((await runtime.state(id)).status);
  await runtime.update(id, { pids: { limit: 5 } });
  await runtime.resume(id);
  const { status } = await runtime.state(id);
  console.log(status, (await runtime.stats(id)).pids.limit);
  container.close();
  await container.ended;
});
