import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../harness/config.ts';
import { cgroupDirectory, cgroupsWithPrefix, hierarchies, isUnified, readCgroup } from '../harness/cgroup.ts';
import { guestProgram } from '../harness/guest.ts';
import { start } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

forEachRuntime(
  'linux.cgroupsPath: the program is in it, in every hierarchy, once create has returned',
  async (t, rt) => {
    let path = '';
    const container = await rt.created((config) => (path = config.linux.cgroupsPath));
    const { pid } = await container.state();
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
    // A hierarchy may exist without being mounted anywhere: no process can be moved there.
    const mounted = (line: string): boolean => {
      const names = (line.split(':')[1] ?? '').replace('name=', '').split(',');
      return names.some((name) => hierarchies().some((hierarchy) => hierarchy.endsWith(`/${name || 'unified'}`)));
    };
    for (const line of lines.filter(mounted)) t.equal(line.split(':').slice(2).join(':'), path, line);
    for (const hierarchy of hierarchies()) {
      t.match(readFileSync(join(hierarchy, path, 'cgroup.procs'), 'utf8'), String(pid), hierarchy);
    }
    await container.remove('--force');
  },
);

forEachRuntime('linux.cgroupsPath may have several components', async (t, rt) => {
  let path = '';
  const container = await rt.created((config) => {
    path = `${config.linux.cgroupsPath}/inner/leaf`;
    config.linux.cgroupsPath = path;
  });
  const { pid } = await container.state();
  t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `:${path}\n`);
  await container.remove('--force');
  for (const hierarchy of hierarchies()) {
    t.notOk(existsSync(join(hierarchy, path)), hierarchy);
    // The engine removes the parents.
    for (const parent of ['/inner', '']) {
      const dir = join(hierarchy, path.replace('/inner/leaf', parent));
      if (existsSync(dir)) rmdirSync(dir);
    }
  }
});

for (const path of ['../escape', '/../../escape', '/a/../../escape']) {
  forEachRuntime(`linux.cgroupsPath ${path} does not leave the hierarchy`, async (t, rt) => {
    const outcome = await rt.run(
      (config) => (config.linux.cgroupsPath = path.replace('escape', config.linux.cgroupsPath.slice(1))),
    );
    for (const hierarchy of hierarchies()) t.notOk(existsSync(join(hierarchy, '..', rt.prefix)));
    t.ok([0, 1].includes(outcome.status));
  });
}

forEachRuntime(
  'a non-empty cgroup is not taken over',
  async (t, rt) => {
    const first = await rt.created();
    const second = await rt.create(
      rt.bundle((config) => (config.linux.cgroupsPath = `/${first.id.replace(/\d+$/, '0')}`)),
    );
    t.equal(second.outcome.status, 1);
    t.match(second.outcome.stderr, /cgroup is not empty/);
    t.equal((await first.state()).status, 'created');
    await first.remove('--force');
  },
  { deviates: { runc: '1.1 only warns', crun: 'joins it' } },
);

forEachRuntime('an empty cgroup made by the engine is used and removed', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'echo', 'here']));
  mkdirSync(join('/sys/fs/cgroup', isUnified() ? '' : 'pids', bundle.config.linux.cgroupsPath));
  t.equal((await rt.runBundle(bundle)).stdout, 'here');
  t.strictSame(cgroupsWithPrefix(rt.prefix), []);
});

/** systemd removes empty v1 cgroups at the top of a hierarchy when it rearranges its own. */
forEachRuntime(
  'a v1 cgroup that is removed before the program is in it is made again, with its limits',
  async (t, rt) => {
    let removed = 0;
    for (let attempt = 0; attempt < 20 && removed < 3; attempt++) {
      const bundle = rt.bundle((config) => {
        config.process.args = ['/bin/probe', 'pause'];
        Object.assign(config.linux.resources, { pids: { limit: 33 } });
      });
      const path = bundle.config.linux.cgroupsPath;
      const remover = start([guestProgram('peer'), 'rmdir', cgroupDirectory('pids', path)], { env: rt.env });
      await until('it tries', () => remover.output().includes('ready'));
      const container = await rt.create(bundle);
      remover.child.kill('SIGKILL');
      await remover.ended;
      if (remover.output().includes('removed')) removed++;
      t.equal(container.outcome.status, 0, container.outcome.stderr);
      const { pid } = await container.state();
      t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `:pids:${path}\n`);
      t.equal(readCgroup('pids', path, 'pids.max'), '33');
      t.equal((await container.remove('--force')).status, 0);
    }
    t.ok(removed > 0, 'it was removed at least once');
  },
  { lacking: isUnified() ? 'cgroup v1 only' : undefined, deviates: { runc: 'fails', crun: 'fails' } },
);

forEachRuntime('delete kills what a program left in a shared pid namespace', async (t, rt) => {
  const container = await rt.started([], (config: TestConfig) => {
    config.process.args = ['/bin/sh', '-c', 'busybox sleep 1000 & echo $!'];
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
  });
  await until('the program ended', async () => (await container.state()).status === 'stopped');
  t.equal((await container.remove('--force')).status, 0);
});

forEachRuntime(
  'a frozen cgroup is not entered',
  async (t, rt) => {
    const bundle = rt.bundle();
    const directory = cgroupDirectory('freezer', bundle.config.linux.cgroupsPath);
    mkdirSync(directory);
    const file = join(directory, isUnified() ? 'cgroup.freeze' : 'freezer.state');
    writeFileSync(file, isUnified() ? '1' : 'FROZEN');
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /container's cgroup unexpectedly frozen/);
    rmdirSync(directory);
  },
  { deviates: { crun: '1.8 waits for ever' } },
);

const onUnified = isUnified() ? undefined : 'the unified hierarchy is not in charge here';

forEachRuntime(
  'run.oci.delegate-cgroup: the program is in a cgroup below the one with the limits, and may make cgroups in it',
  async (t, rt) => {
    let path = '';
    // A limit that needs no controller.
    const limit = 'cgroup.max.descendants';
    const bundle = rt.bundle((config) => {
      path = config.linux.cgroupsPath;
      config.annotations = { 'run.oci.delegate-cgroup': '/payload/inner' };
      config.linux.namespaces.push({ type: 'cgroup' });
      config.linux.resources = { ...config.linux.resources, unified: { [limit]: '77' } };
      config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] });
      const script =
        `cat /proc/self/cgroup | grep ^0:; cd /sys/fs/cgroup; cat ${limit}; mkdir below && echo 0 >below/cgroup.procs && ` +
        `echo 5 >below/${limit} && cat below/${limit}; exec sleep 1000`;
      config.process.args = ['/bin/busybox', 'sh', '-c', script];
    });
    symlinkSync('busybox', join(bundle.rootfs, 'bin/grep'));
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    const { pid } = await container.state();
    const where = (of: number): string => /^0::(.*)$/m.exec(readFileSync(`/proc/${of}/cgroup`, 'utf8'))?.[1] ?? '';
    t.equal(where(pid), `${path}/payload/inner`);
    t.equal(readCgroup('', path, limit), '77');
    await container.start();
    await until('the program has divided its cgroup', () => container.stdout().split('\n').length > 3);
    t.equal(container.stdout(), '0::/\nmax\n5\n', container.stderr());
    t.equal(where(pid), `${path}/payload/inner/below`);
    const exec = await rt.command('exec', container.id, '/bin/cat', '/proc/self/cgroup');
    t.match(exec.stdout, /^0::\/$/m, exec.stderr);
    const resources = JSON.stringify({ unified: { [limit]: '88' } });
    const update = await rt.commandWith({ input: resources }, 'update', '--resources', '-', container.id);
    t.equal(update.status, 0, update.stderr);
    t.equal(readCgroup('', path, limit), '88');
    t.equal((await rt.command('pause', container.id)).status, 0);
    t.equal((await container.state()).status, 'paused');
    t.equal((await rt.command('resume', container.id)).status, 0);
    t.equal((await container.remove('--force')).status, 0);
  },
  { lacking: onUnified, deviates: { runc: 'has no annotations of its own' } },
);

forEachRuntime(
  'cgroup annotations that cannot be honoured are refused, each with its place',
  async (t, rt) => {
    const bad = ['..', '../x', 'a/../b', 'a//b', '.', 'cgroup.procs', 'a b', 'a\nb', 'a\0b', 'x'.repeat(256)];
    const cases: [string, string, RegExp][] = [
      ...bad.flatMap((value): typeof cases => [
        ['run.oci.delegate-cgroup', value, /must be the path of a cgroup below that of the container/],
        ['run.oci.systemd.subgroup', value, /must be the path of a cgroup below that of the container/],
      ]),
      ['run.oci.systemd.subgroup', 'x', /the annotation run\.oci\.systemd\.subgroup needs --systemd-cgroup/],
    ];
    if (!isUnified()) cases.push(['run.oci.delegate-cgroup', 'x', /the annotation \S+ needs cgroup v2/]);
    for (const [name, value, words] of cases) {
      const outcome = await rt.run((config) => (config.annotations = { [name]: value }));
      t.equal(outcome.status, 1, `${name}=${value.slice(0, 20)}`);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, new RegExp(`config\\.json:\\d+:\\d+  /annotations/${name.replaceAll('.', '\\.')}\n`));
    }
    const empty = { 'run.oci.delegate-cgroup': '', 'run.oci.systemd.subgroup': '' };
    t.equal((await rt.run((config) => (config.annotations = empty))).status, 0, 'empty is for none');
  },
  { oursOnly: 'the messages are specific to rt' },
);
