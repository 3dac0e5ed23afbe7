import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

const oursOnly = 'the files are those of this project';

forEachRuntime(
  'a damaged config of a container is named by exec and mounts, and the container can be removed',
  async (t, rt) => {
    const { id } = await rt.started(['pause']);
    const path = join(rt.root, id, 'config.json');
    for (const text of [
      '',
      '{"ociVersion": "1.0.2"',
      'null',
      '[1]',
      '{"ociVersion": "1.0.2", "linux": {"namespaces": 5}}',
    ]) {
      writeFileSync(path, text);
      for (const words of [
        ['exec', id, '/bin/probe'],
        ['exec', '--cwd', '/', id, '/bin/probe'],
        ['mounts', 'add', id, '-'],
      ]) {
        const { status, stdout, stderr } = await rt.commandWith({ input: '[]' }, ...words);
        t.not(status, 0, `${words.join(' ')}: ${text}`);
        t.equal(stdout, '', 'nothing ran');
        t.match(stderr, `cannot use "${path}": not a config that rt saved`);
      }
    }
    t.strictSame(await rt.command('delete', '--force', id), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly },
);

/** Puts something else in the place of a record, which it keeps beside it. */
const replacements: readonly (readonly [what: string, put: (record: string) => void])[] = [
  ['a directory', (record) => mkdirSync(join(record, 'a'), { recursive: true })],
  ['a link', (record) => symlinkSync('/etc/hostname', record)],
  ['a dangling link', (record) => symlinkSync('/none', record)],
  [
    'more than 16 MiB',
    (record) => {
      writeFileSync(record, '');
      truncateSync(record, (16 << 20) + 1);
    },
  ],
];

forEachRuntime(
  'a record that is missing: delete --force loses no process, and removes all when there is none',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const { id } = container;
    const { pid } = await container.state();
    const directory = join(rt.root, id);
    rmSync(join(directory, 'state.json'));
    const { status, stderr } = await rt.command('delete', '--force', id);
    t.equal(status, 1);
    t.match(stderr, `cannot read "${join(directory, 'state.json')}": no such file or directory`);
    t.match(stderr, `kill -KILL ${pid}`);
    process.kill(pid, 'SIGKILL');
    await until('its processes are gone', () => !existsSync(`/proc/${pid}`));
    t.match(await rt.command('delete', '--force', id), { status: 0, stderr: /was damaged/ });
    t.notOk(existsSync(directory));
  },
  { oursOnly },
);

for (const [what, put] of replacements) {
  forEachRuntime(
    `a record that is ${what}: delete --force loses no process, and removes all when there is none`,
    async (t, rt) => {
      const container = await rt.started(['pause']);
      const { id } = container;
      const { pid } = await container.state();
      const directory = join(rt.root, id);
      const record = join(directory, 'state.json');
      renameSync(record, `${directory}.kept`);
      put(record);
      for (const words of [['state'], ['kill'], ['delete'], ['delete', '--force']]) {
        const outcome = await rt.command(...words, id);
        t.equal(outcome.status, 1, words.join(' '));
        t.match(outcome.stderr, `cannot read "${record}": not a state that rt wrote`);
      }
      t.match((await rt.command('delete', '--force', id)).stderr, `kill -KILL ${pid}`);
      process.kill(pid, 'SIGKILL');
      await until('its processes are gone', () => !existsSync(`/proc/${pid}`));
      t.match(await rt.command('delete', '--force', id), { status: 0, stderr: /was damaged/ });
      t.notOk(existsSync(directory));
      rmSync(`${directory}.kept`);
    },
    { oursOnly },
  );
}
