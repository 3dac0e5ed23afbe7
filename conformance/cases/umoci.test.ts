import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, makeRootfs } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import type { TestConfig } from '../harness/config.ts';

/** Makes an OCI image layout without a network, and unpacks it into a bundle with a config.json written by umoci. */
async function unpackImage(rt: Sandbox, ...settings: string[]): Promise<string> {
  const image = `${join(rt.dir, 'layout')}:latest`;
  const scratch = join(rt.dir, 'scratch');
  const bundle = join(rt.dir, 'bundle-umoci');
  const umoci = async (...words: string[]): Promise<void> => {
    const outcome = await run(['umoci', ...words], { env: { ...rt.env, HOME: rt.dir } });
    if (outcome.status !== 0) throw new Error(`umoci ${words.join(' ')}: ${outcome.stderr}`);
  };
  await umoci('init', '--layout', join(rt.dir, 'layout'));
  await umoci('new', '--image', image);
  await umoci('unpack', '--image', image, scratch);
  makeRootfs(join(rt.dir, 'content'));
  cpSync(join(rt.dir, 'content'), join(scratch, 'rootfs'), { recursive: true, verbatimSymlinks: true });
  await umoci('repack', '--image', image, scratch);
  await umoci('config', '--image', image, ...settings);
  await umoci('unpack', '--image', image, bundle);
  return bundle;
}

/** The images request a terminal, which a test does not have. Nothing else is changed. */
function withoutTerminal(bundle: string): TestConfig {
  const file = join(bundle, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as TestConfig;
  config.process.terminal = false;
  writeFileSync(file, JSON.stringify(config));
  return config;
}

forEachRuntime('an image unpacked by umoci runs with the config.json of umoci', async (t, rt) => {
  const bundle = await unpackImage(
    rt,
    ...['--config.cmd', '/bin/probe', '--config.cmd', 'env', '--config.cmd', '--', '--config.cmd', 'ids'],
    ...['--config.cmd', '--', '--config.cmd', 'cwd', '--config.env', 'COLOUR=blue', '--config.workingdir', '/tmp'],
    ...['--config.user', '1000:1000'],
  );
  const config = withoutTerminal(bundle);
  t.strictSame(config.process.args.slice(0, 2), ['/bin/probe', 'env'], 'umoci wrote what the image asks for');
  const outcome = await rt.command('run', '--bundle', bundle, rt.nextId());
  t.equal(outcome.status, 0, outcome.stderr);
  const [env, ids, cwd] = answers(outcome.stdout);
  t.ok((env as string[]).includes('COLOUR=blue'));
  t.match(ids, { uid: [1000, 1000, 1000], gid: [1000, 1000, 1000] });
  t.equal(cwd, '/tmp');
});

forEachRuntime('an image unpacked by umoci goes through create, start and delete', async (t, rt) => {
  const dir = await unpackImage(rt, '--config.cmd', '/bin/probe', '--config.cmd', 'wait');
  const config = withoutTerminal(dir);
  const bundle = { dir, rootfs: join(dir, 'rootfs'), config, save: () => undefined, saveText: () => undefined };
  const container = await rt.create(bundle);
  t.equal(container.outcome.status, 0, container.outcome.stderr);
  t.equal((await container.start()).status, 0);
  t.match(await container.state(), { status: 'running', bundle: dir });
  t.equal((await container.remove('--force')).status, 0);
});
