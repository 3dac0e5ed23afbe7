import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { BuildKit, buildkitLacking } from '../harness/buildkit.ts';
import { isUnified } from '../harness/cgroup.ts';
import { forEachEngine } from '../harness/engine.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const lacking = buildkitLacking();

function forEachBuildKit(name: string, body: (t: Test, engine: BuildKit, rt: Sandbox) => Promise<void>): void {
  forEachEngine(`buildkit: ${name}`, (rt) => BuildKit.start(rt), body, { lacking });
}

const FILES = 'FROM scratch AS files\nCOPY rootfs /\n';

/** Builds stages, the first from `files`, and returns a reader of the files in /out of the stage `last`. */
async function built(
  t: Test,
  engine: BuildKit,
  rt: Sandbox,
  stages: readonly string[],
  options: readonly string[] = [],
): Promise<(name: string) => string> {
  const out = join(rt.dir, 'out');
  const outcome = await engine.build(
    [FILES, ...stages, 'FROM scratch', 'COPY --from=last /out /', ''].join('\n'),
    options,
    out,
  );
  if (outcome.status !== 0) throw new Error(outcome.stderr + outcome.stdout);
  t.ok(existsSync(out));
  return (name) => readFileSync(join(out, name), 'utf8');
}

forEachBuildKit(
  'commands run in containers of the runtime, each on the result of the last one',
  async (t, engine, rt) => {
    const read = await built(t, engine, rt, [
      'FROM files AS last',
      'ENV WORD=built',
      'RUN mkdir -m 777 /out && echo $WORD > /out/word',
      'WORKDIR /work',
      'RUN busybox tee copy < /out/word > /dev/null && busybox mv copy /out/copy && echo $PWD > /out/directory',
      'USER 1000:1001',
      'RUN id -u > /out/user; id -g >> /out/user; busybox grep CapEff /proc/self/status >> /out/user',
      'USER 0',
      'RUN cat /proc/self/cgroup > /out/cgroup; busybox grep CapEff /proc/self/status > /out/root',
      'RUN ["/bin/probe", "ns"]',
    ]);
    t.equal(read('copy'), 'built\n');
    t.equal(read('directory'), '/work\n');
    t.equal(read('user'), '1000\n1001\nCapEff:\t0000000000000000\n');
    t.equal(read('root'), 'CapEff:\t00000000a80425fb\n');
    // On cgroup v2 it has a cgroup namespace.
    if (!isUnified()) t.match(read('cgroup'), `:pids:/${rt.prefix}buildkit/`);
  },
);

forEachBuildKit('a step without network has only a loopback device', async (t, engine, rt) => {
  const read = await built(t, engine, rt, [
    'FROM files AS last',
    'RUN --network=none mkdir /out && busybox ifconfig -a > /out/devices && busybox ping -c 1 127.0.0.1',
  ]);
  t.strictSame(read('devices').match(/^\S+/gm), ['lo']);
});

forEachBuildKit('mounts of a step: cache, tmpfs, secret and another stage', async (t, engine, rt) => {
  const secret = join(rt.dir, 'secret');
  writeFileSync(secret, 'hidden\n');
  const from = '--mount=type=bind,from=files,source=/bin,target=/tools';
  const mounts = ['--mount=type=cache,target=/kept', '--mount=type=tmpfs,target=/scratch,size=65536', from];
  const step = (script: string): string =>
    `RUN ${mounts.join(' ')} --mount=type=secret,id=word,target=/run/word ${script}`;
  const read = await built(
    t,
    engine,
    rt,
    [
      'FROM files AS last',
      step('echo kept > /kept/file; echo gone > /scratch/file'),
      'RUN test ! -e /kept/file && test ! -e /run/word',
      `${step('mkdir /out; cat /run/word /kept/file > /out/read;')} ls /scratch > /out/scratch; \\`,
      '  busybox grep " /scratch " /proc/mounts > /out/tmpfs; touch /tools/x 2> /out/refused || true',
    ],
    ['--secret', `id=word,src=${secret}`],
  );
  t.equal(read('read'), 'hidden\nkept\n');
  t.equal(read('scratch'), '');
  t.match(read('tmpfs'), /^tmpfs .*size=64k/);
  t.match(read('refused'), 'Read-only file system');
});

forEachBuildKit('options of a build: limits, shared memory, names of hosts', async (t, engine, rt) => {
  const read = await built(
    t,
    engine,
    rt,
    [
      'FROM files AS last',
      'RUN mkdir /out && ulimit -n > /out/files && busybox grep " /dev/shm " /proc/mounts > /out/shm; cat /etc/hosts > /out/hosts',
    ],
    ['--opt', 'ulimit=nofile=100:100', '--opt', 'shm-size=1048576', '--opt', 'add-hosts=friend=10.1.2.3'],
  );
  t.equal(read('files'), '100\n');
  t.match(read('shm'), /size=1024k/);
  t.match(read('hosts'), /10\.1\.2\.3\s+friend/);
});

forEachBuildKit('a step with all privileges', async (t, engine, rt) => {
  const read = await built(
    t,
    engine,
    rt,
    [
      'FROM files AS last',
      'RUN --security=insecure mkdir /out && mount -t tmpfs none /tmp && echo mounted > /out/result',
    ],
    ['--allow', 'security.insecure'],
  );
  t.equal(read('result'), 'mounted\n');
});

forEachBuildKit('stages are built at the same time', async (t, engine, rt) => {
  // Each waits for the other one, which appears in a shared directory.
  const shared = '--mount=type=cache,target=/shared';
  const stage = (own: string, other: string): string =>
    `FROM files AS ${own}\nRUN ${shared} touch /shared/${own}; until test -e /shared/${other}; do busybox usleep 10000; done; echo ${own} > /word`;
  const read = await built(t, engine, rt, [
    stage('one', 'two'),
    stage('two', 'one'),
    'FROM files AS last',
    'COPY --from=one /word /out/one',
    'COPY --from=two /word /out/two',
  ]);
  t.equal(read('one') + read('two'), 'one\ntwo\n');
});

forEachBuildKit('a step that fails ends the build, with its exit code', async (t, engine) => {
  const failed = await engine.build(`${FILES}RUN echo before; exit 7\n`);
  t.equal(failed.status, 1);
  t.match(failed.stderr, /before/);
  t.match(failed.stderr, /did not complete successfully: exit code: 7/);
  const missing = await engine.build(`${FILES}RUN ["/nosuch"]\n`);
  t.equal(missing.status, 1);
  t.match(missing.stderr, /\/nosuch.*no such file or directory/);
});

forEachBuildKit('a build that is interrupted leaves no container', async (t, engine, rt) => {
  const building = engine.background(`${FILES}RUN echo $((40+2)); trap "" TERM INT; while :; do sleep 1; done\n`);
  const containers = async (): Promise<string> => (await rt.command('list', '--quiet')).stdout;
  let seen = '';
  building.child.stderr?.on('data', (text: string) => (seen += text));
  await until('the step runs', () => / 42$/m.test(seen), 30_000);
  t.match(await containers(), /^\w+\n$/);
  building.child.kill('SIGINT');
  const { status, stderr } = await building.ended;
  t.not(status, 0);
  t.match(stderr, /cancel/i);
  // The daemon still works.
  t.equal((await engine.build(`${FILES}RUN true\n`)).status, 0);
  t.equal(await containers(), '');
});
