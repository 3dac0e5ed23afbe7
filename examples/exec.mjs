// Another program in a running container.
import { text } from 'node:stream/consumers';
import { AsyncRuntime } from 'rt';
import { withBundle } from './shared.mjs';

const runtime = new AsyncRuntime();
await withBundle(process.argv[2], 'echo kept >/tmp/file; while :; do sleep 1; done', async (bundle) => {
  const container = await runtime.run('example-exec', { bundle, stdout: 'ignore', stderr: 'ignore' });
  const script = 'until read line </tmp/file; do :; done 2>/dev/null; echo "$NAME $line"';
  const program = await runtime.exec('example-exec', ['/bin/sh', '-c', script], { env: { NAME: 'it is' } });
  console.log((await text(program.stdout)).trim(), (await program.ended).exitCode);
  container.close();
  console.log((await container.ended).signal);
});
