import type { Test } from 'tap';
import { Containerd, RELEASES } from '../harness/containerd.ts';
import type { Release } from '../harness/containerd.ts';
import { TESTED } from '../harness/cri-client.ts';
import { criLacking } from '../harness/cri.ts';
import { Docker } from '../harness/docker.ts';
import { forEachEngine } from '../harness/engine.ts';
import { kubernetesLacking } from '../harness/kubelet-node.ts';
import { Kubernetes } from '../harness/kubernetes.ts';
import { container, pod, runtimeClass } from '../harness/pods.ts';
import { Podman } from '../harness/podman.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';

/**
 * Types into a shell of a container, like a user, and reads the output of the terminal. The echo of the input never
 * contains the expected text.
 */
async function session(t: Test, rt: Sandbox, argv: readonly string[], env: Record<string, string>): Promise<void> {
  const terminal = new TerminalSession(rt, argv, { rows: 30, columns: 100, env });
  const answer = async (typed: string, shown: string): Promise<void> => {
    terminal.type(`${typed}\n`);
    await terminal.shows(shown);
  };
  const hasSize = (rows: number, columns: number): string =>
    `until busybox stty size | busybox grep -q "^${rows} ${columns}$"; do busybox usleep 10000; done`;
  await answer('test -t 0 && test -t 1 && test -t 2 && echo on a $((40+2)) terminal', 'on a 42 terminal');
  await answer(`${hasSize(30, 100)}; echo size of $((1+1)) numbers`, 'size of 2 numbers');
  terminal.resize(50, 120);
  await answer(`${hasSize(50, 120)}; echo resized $((1+1)) times`, 'resized 2 times');
  await answer('sh -c "echo sleeper $((40+2)); exec sleep 1000"', 'sleeper 42');
  await answer('\x03echo status $?', 'status 130');
  terminal.type('exit 6\n');
  const { status, restored, outcome } = await terminal.end();
  t.equal(status, 6, outcome.stdout + outcome.stderr);
  t.ok(restored);
}

forEachEngine(
  'docker: sessions on a terminal, by run and exec',
  (rt) => Docker.start(rt),
  async (t, docker, rt) => {
    const words = ['--name', 'one', '--network', 'none', 'tiny'];
    await session(t, rt, docker.argv('run', '--rm', '-it', ...words, '/bin/sh'), rt.env);
    const started = await docker.command('run', '--detach', ...words, '/bin/sleep', '1000');
    t.equal(started.status, 0, started.stderr);
    await session(t, rt, docker.argv('exec', '-it', 'one', '/bin/sh'), rt.env);
    t.equal((await docker.command('rm', '--force', 'one')).status, 0);
  },
);

forEachEngine(
  'podman: sessions on a terminal, by run and exec',
  (rt) => Podman.start(rt),
  async (t, podman, rt) => {
    await session(t, rt, podman.argv(...podman.runWords(['-it'], '/bin/sh')), podman.env);
    const started = await podman.detach(['--name', 'one'], '/bin/sleep', '1000');
    t.equal(started.status, 0, started.stderr);
    await session(t, rt, podman.argv('exec', '-it', 'one', '/bin/sh'), podman.env);
    t.equal((await podman.command('rm', '--force', '--time', '0', 'one')).status, 0);
  },
);

for (const release of Object.keys(RELEASES) as Release[]) {
  forEachEngine(
    `${release}: sessions on a terminal, by run and exec`,
    (rt) => Containerd.start(rt, release),
    async (t, engine, rt) => {
      await session(t, rt, engine.argv(...engine.runWords(['--tty'], 'one', '/bin/sh')), engine.env);
      t.equal((await engine.detach([], 'two', '/bin/sleep', '1000')).status, 0);
      await session(t, rt, engine.argv('tasks', 'exec', '--tty', '--exec-id', 'e', 'two', '/bin/sh'), engine.env);
      t.equal((await engine.command('tasks', 'kill', '--signal', 'SIGKILL', 'two')).status, 0);
      t.equal((await engine.remove('two')).status, 0);
    },
    { lacking: release === 'containerd 2' ? criLacking() : undefined },
  );
}

forEachEngine(
  'kubectl: a session on a terminal, by exec',
  (rt) => Kubernetes.start(rt),
  async (t, kubernetes, rt) => {
    const containers = [container('a', ['/bin/probe', 'wait'])];
    await kubernetes.apply(runtimeClass('ours', TESTED), pod('one', { runtimeClassName: 'ours', containers }));
    await kubernetes.ready('one');
    await session(t, rt, kubernetes.argv('exec', '-it', 'one', '--', '/bin/sh'), rt.env);
    await kubernetes.remove('one');
  },
  { lacking: kubernetesLacking() },
);
