import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

type Members = Record<string, unknown>;

/** Members that a config may omit, in its existing objects. */
const TOP = ['domainname', 'annotations', 'hooks', 'solaris', 'windows', 'vm', 'zos', 'freebsd'];
const PROCESS = [
  ...['consoleSize', 'capabilities', 'rlimits', 'noNewPrivileges', 'apparmorProfile', 'oomScoreAdj', 'scheduler'],
  ...['selinuxLabel', 'ioPriority', 'execCPUAffinity', 'commandLine', 'env', 'terminal'],
];
const LINUX = [
  ...['devices', 'sysctl', 'seccomp', 'maskedPaths', 'readonlyPaths', 'mountLabel', 'intelRdt', 'personality'],
  ...['uidMappings', 'gidMappings', 'rootfsPropagation', 'timeOffsets', 'netDevices', 'memoryPolicy'],
];
const RESOURCES = ['memory', 'cpu', 'pids', 'blockIO', 'hugepageLimits', 'network', 'rdma', 'unified'];

const nulls = (names: readonly string[]): Members => Object.fromEntries(names.map((name) => [name, null]));

function withNulls(rt: Sandbox, args: readonly string[]): Bundle {
  const bundle = rt.bundle((config) => {
    const { process, linux } = config;
    Object.assign(config, nulls(TOP));
    Object.assign(process, nulls(PROCESS), { args, user: { ...process.user, additionalGids: null, umask: null } });
    Object.assign(linux, nulls(LINUX), { resources: { ...linux.resources, ...nulls(RESOURCES) } });
    Object.assign(linux.namespaces[0] ?? {}, { path: null });
    Object.assign(config.mounts[0] ?? {}, { options: null, uidMappings: null });
  });
  return bundle;
}

forEachRuntime(
  'null counts as absent: run, exec, and the documents of exec, update and mounts',
  async (t, rt) => {
    const ran = await rt.runBundle(withNulls(rt, ['/bin/echo', 'ran']));
    t.strictSame(ran, { status: 0, stdout: 'ran\n', stderr: '' });
    const container = await rt.create(withNulls(rt, ['/bin/probe', 'wait']));
    t.strictSame([container.outcome.status, container.outcome.stderr], [0, '']);
    t.equal((await container.start()).status, 0);
    // With the saved config.
    t.match(await rt.command('exec', container.id, '/bin/echo', 'also'), { status: 0, stdout: 'also\n', stderr: '' });
    const file = join(rt.dir, 'process.json');
    const document = { ...nulls(PROCESS), args: ['/bin/echo', 'document'], cwd: '/', user: { uid: 0, gid: 0 } };
    writeFileSync(file, JSON.stringify(document));
    const executed = await rt.command('exec', '--process', file, container.id);
    t.match(executed, { status: 0, stdout: 'document\n', stderr: '' });
    const resources = JSON.stringify({ ...nulls(RESOURCES), pids: { limit: null } });
    const updated = await rt.commandWith({ input: resources }, 'update', '--resources', '-', container.id);
    t.match(updated, { status: 0, stderr: '' });
    if (rt.runtime.ours) {
      const mount = { destination: '/more', type: 'tmpfs', source: null, options: null, gidMappings: null };
      const input = JSON.stringify([mount]);
      t.match(await rt.commandWith({ input }, 'mounts', 'add', container.id, '-'), { status: 0, stderr: '' });
      const { dir } = container.bundle;
      t.match(await rt.command('validate', '--bundle', dir), { status: 0, stdout: 'config.json is valid\n' });
    }
    t.equal((await container.remove('--force')).status, 0);
  },
  { deviates: { runc: '1.1 has not all of these members', crun: 'refuses null for some' } },
);

forEachRuntime(
  'null for a required value is refused, with its place',
  async (t, rt) => {
    const refusal = async (
      change: (config: Members & { process: Members; linux: Members }) => void,
    ): Promise<string> => {
      const bundle = rt.bundle((config) => {
        change(config as unknown as Members & { process: Members; linux: Members });
      });
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      return outcome.stderr;
    };
    t.match(
      await refusal(({ process }) => (process['cwd'] = null)),
      /process\.cwd must be a string, found null\n.*\/process\/cwd\n/,
    );
    t.match(
      await refusal(({ process }) => {
        process['env'] = ['A=1', null];
        process['rlimits'] = null;
      }),
      /process\.env\[1\] must be a string, found null\n.*\/process\/env\/1\n/,
    );
    t.match(
      await refusal((config) => (config['annotations'] = { a: null })),
      /annotations\.a must be a string, found null/,
    );
    for (const [command, ...words] of [
      ['exec', '--process', '-'],
      ['update', '--resources', '-'],
      ['mounts', 'add'],
    ] as const) {
      const container = await rt.started(['wait']);
      const file = join(rt.dir, 'null.json');
      writeFileSync(file, 'null');
      const last = command === 'mounts' ? [container.id, file] : [container.id];
      const outcome = await rt.command(command, ...words.map((word) => (word === '-' ? file : word)), ...last);
      t.equal(outcome.status, command === 'exec' ? 255 : 1, `${command}: ${outcome.stderr}`);
      t.match(outcome.stderr, /must be an (object|array), found null/, command);
      await container.remove('--force');
    }
  },
  { oursOnly: 'the messages are specific to rt' },
);
