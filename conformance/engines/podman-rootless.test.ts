import { readFileSync } from 'node:fs';
import { forEachEngine } from '../harness/engine.ts';
import { Podman } from '../harness/podman.ts';
import { until } from '../harness/wait.ts';

const MAP = /^ +0 +1 +1\n +1 +300000 +65536\n/;

forEachEngine(
  'podman: an unprivileged user runs containers',
  (rt) => Podman.start(rt, { rootless: true }),
  async (t, podman) => {
    const script = 'cat /proc/self/uid_map; id -u; echo err >&2; exit 7';
    const outcome = await podman.run([], '/bin/sh', '-c', script);
    t.match(outcome, { status: 7, stderr: /^err\n$/ });
    t.match(outcome.stdout, MAP);
    const user = await podman.run(['--user', '1000:1000', '--cap-drop', 'ALL'], '/bin/probe', 'ids');
    t.match(JSON.parse(user.stdout || '{}'), { uid: [1000, 1000, 1000], bounding: '0000000000000000' }, user.stderr);
    t.equal((await podman.run([], '/nosuch')).status, 127);

    const started = await podman.detach(['--name', 'one', '--pids-limit', '0'], '/bin/probe', 'wait');
    t.equal(started.status, 0, started.stderr);
    await until('it runs', async () => (await podman.command('logs', 'one')).stdout.includes('ready'), 30_000);
    const pid = (await podman.command('inspect', '--format', '{{.State.Pid}}', 'one')).stdout.trim();
    t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /\nUid:\t1\t1\t1\t1\n/, 'nobody in particular on the host');
    const exec = await podman.command('exec', 'one', '/bin/sh', '-c', 'cat /proc/self/uid_map; exit 9');
    t.equal(exec.status, 9, exec.stderr);
    t.match(exec.stdout, MAP);
    t.equal((await podman.command('stop', '--time', '20', 'one')).status, 0);
    t.match((await podman.command('logs', 'one')).stdout, '{"signal":15}');
    t.equal((await podman.command('rm', 'one')).status, 0);
  },
);
