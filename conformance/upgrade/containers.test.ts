import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { isUnified, readCgroup } from '../harness/cgroup.ts';
import { checkpoint, count, counter, countsBeyond, restore, start } from '../harness/checkpoint.ts';
import { addUserNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { criuLacking, criuSucceeded } from '../harness/criu.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';
import { forEachChange } from './exchange.ts';

const kinds: Readonly<Record<string, Mutation | undefined>> = {
  plain: undefined,
  'user namespace': addUserNamespace,
  'cgroup namespace': ({ linux }) => linux.namespaces.push({ type: 'cgroup' }),
  "host's pid namespace": ({ linux }) => {
    linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'pid');
  },
};

async function done(t: Test, rt: Sandbox, ...words: string[]): Promise<string> {
  const outcome = await rt.command(...words);
  t.strictSame({ ...outcome, stdout: '' }, { status: 0, stdout: '', stderr: '' }, words.join(' '));
  return outcome.stdout;
}

const maximumPids = (path: string): string => readCgroup(isUnified() ? '' : 'pids', path, 'pids.max').trim();

/** Every command that looks at or changes a running container. */
async function lives(t: Test, rt: Sandbox, container: Container): Promise<void> {
  const { id, bundle } = container;
  t.match(await container.state(), { id, status: 'running', bundle: bundle.dir });
  t.match(await done(t, rt, 'list'), id);
  t.equal(await done(t, rt, 'exec', id, '/bin/sh', '-c', 'echo $((6 * 7))'), '42\n');
  t.equal((await rt.command('exec', id, '/bin/probe', 'exit', '9')).status, 9);
  t.ok((JSON.parse(await done(t, rt, 'ps', '--format', 'json', id)) as number[]).length > 0, 'ps');
  t.match(await done(t, rt, 'events', '--stats', id), '"type":"stats"');
  await done(t, rt, 'update', '--pids-limit', '77', id);
  t.equal(maximumPids(bundle.config.linux.cgroupsPath), '77');
  await done(t, rt, 'pause', id);
  t.equal((await container.state()).status, 'paused');
  await done(t, rt, 'resume', id);
  t.equal((await container.state()).status, 'running');
}

async function ends(t: Test, rt: Sandbox, container: Container): Promise<void> {
  await done(t, rt, 'kill', container.id, 'KILL');
  await until('it has ended', async () => (await container.state()).status === 'stopped');
  await done(t, rt, 'delete', container.id);
}

for (const [kind, mutate] of Object.entries(kinds)) {
  forEachChange(`a running container, ${kind}`, async (t, { rt, exchange }) => {
    const container = await rt.started(['pause'], mutate);
    exchange();
    await lives(t, rt, container);
    await ends(t, rt, container);
  });

  forEachChange(`a created container, ${kind}`, async (t, { rt, exchange }) => {
    const container = await rt.created((config) => {
      config.process.args = ['/bin/probe', 'pause'];
      mutate?.(config);
    });
    exchange();
    t.equal((await container.state()).status, 'created');
    await done(t, rt, 'start', container.id);
    await lives(t, rt, container);
    await ends(t, rt, container);
  });
}

forEachChange('delete --force of what the other one made', async (t, { rt, exchange }) => {
  const containers = [await rt.created(), await rt.started(['pause'])];
  exchange();
  for (const { id } of containers) await done(t, rt, 'delete', '--force', id);
});

forEachChange('hooks of the record', async (t, { rt, exchange }) => {
  const log = join(rt.dir, 'hooks');
  const hook = (name: string): { path: string; args: string[] } => ({
    path: '/bin/sh',
    args: ['sh', '-c', `echo ${name} >>${log}`],
  });
  const container = await rt.created((config) => {
    config.process.args = ['/bin/probe', 'pause'];
    config.hooks = { poststart: [hook('poststart')], poststop: [hook('poststop')] };
  });
  exchange();
  await done(t, rt, 'start', container.id);
  await ends(t, rt, container);
  t.equal(readFileSync(log, 'utf8'), 'poststart\npoststop\n');
});

forEachChange('a command that waits for its container', async (t, { rt, exchange }) => {
  const bundle = rt.bundle(
    (config) => (config.process.args = ['/bin/sh', '-c', 'trap "exit 5" TERM; while :; do :; done']),
  );
  const id = rt.nextId();
  const running = rt.background('run', '--bundle', bundle.dir, id);
  await until('it runs', async () => /"running"/.test((await rt.command('state', id)).stdout));
  exchange();
  await done(t, rt, 'exec', id, '/bin/true');
  await until('the trap is set', async () => {
    await rt.command('kill', id, 'TERM');
    return (await rt.command('state', id)).status !== 0;
  });
  t.equal((await running.ended).status, 5);
});

forEachChange(
  'checkpoint and restore',
  async (t, { rt, exchange }) => {
    const [id, restored] = [rt.nextId(), rt.nextId()];
    const bundle = counter(rt);
    await start(rt, bundle, id);
    await countsBeyond(bundle, 3);
    exchange();
    if (!criuSucceeded(t, await checkpoint(rt, id), rt.dir)) return;
    const before = count(bundle);
    await done(t, rt, 'delete', '--force', id);
    if (criuSucceeded(t, await restore(rt, bundle, restored), rt.dir)) await countsBeyond(bundle, before);
    await done(t, rt, 'delete', '--force', restored);
  },
  criuLacking(),
);

forEachChange('a record of a later version is named, and left alone', async (t, { rt, exchange }) => {
  const container = await rt.started(['pause']);
  const path = join(rt.root, container.id, 'state.json');
  const own = readFileSync(path, 'utf8');
  const record = JSON.parse(own) as { version: number };
  const later = JSON.stringify({ ...record, version: record.version + 1000 });
  writeFileSync(path, later);
  exchange();
  for (const words of [['state'], ['exec'], ['kill'], ['delete'], ['delete', '--force']]) {
    const outcome = await rt.command(...words, container.id, ...(words[0] === 'exec' ? ['/bin/true'] : []));
    t.not(outcome.status, 0, words.join(' '));
    t.match(outcome.stderr, `version ${record.version + 1000}`);
  }
  t.equal(readFileSync(path, 'utf8'), later);
  t.ok(existsSync(`/proc/${(JSON.parse(own) as { pid: number }).pid}`), 'it goes on');
  writeFileSync(path, own);
  await ends(t, rt, container);
});
