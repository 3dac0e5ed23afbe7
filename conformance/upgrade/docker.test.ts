import type { Test } from 'tap';
import { Docker } from '../harness/docker.ts';
import { forEachChange } from './exchange.ts';

async function succeeds(t: Test, docker: Docker, ...words: string[]): Promise<string> {
  const outcome = await docker.command(...words);
  t.equal(outcome.status, 0, `${words.join(' ')}: ${outcome.stderr}`);
  return outcome.stdout;
}

forEachChange('containers of Docker, whose daemon restarts meanwhile', async (t, { rt, exchange }) => {
  const docker = await Docker.start(rt, { keepConfig: false, liveRestore: true });
  try {
    const options = ['--detach', '--network', 'none', '--memory', '64m'];
    await succeeds(t, docker, 'run', ...options, '--name', 'running', 'tiny', '/bin/probe', 'pause');
    await succeeds(t, docker, 'run', ...options, '--name', 'paused', 'tiny', '/bin/probe', 'pause');
    await succeeds(t, docker, 'pause', 'paused');
    exchange();
    t.equal(await succeeds(t, docker, 'exec', 'running', '/bin/sh', '-c', 'echo inside'), 'inside\n');
    await docker.restart();
    const shown = await succeeds(t, docker, 'ps', '--format', '{{.Names}} {{.State}}');
    t.strictSame(shown.trim().split('\n').sort(), ['paused paused', 'running running']);
    t.equal(await succeeds(t, docker, 'exec', 'running', '/bin/sh', '-c', 'echo inside'), 'inside\n');
    await succeeds(t, docker, 'update', '--memory', '96m', '--memory-swap', '96m', 'running');
    t.match(await succeeds(t, docker, 'top', 'running'), 'probe pause');
    await succeeds(t, docker, 'unpause', 'paused');
    await succeeds(t, docker, 'restart', '--time', '0', 'running');
    t.equal(await succeeds(t, docker, 'exec', 'running', '/bin/sh', '-c', 'echo again'), 'again\n');
    await succeeds(t, docker, 'stop', '--time', '0', 'paused');
    await succeeds(t, docker, 'start', 'paused');
    for (const name of ['running', 'paused']) await succeeds(t, docker, 'rm', '--force', name);
  } finally {
    await docker.stop();
  }
});
