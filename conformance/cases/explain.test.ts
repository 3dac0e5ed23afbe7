import { forEachRuntime } from '../harness/runtimes.ts';

interface Explained {
  readonly bundle: string;
  readonly id?: string;
  readonly status?: string;
  readonly weaknesses: readonly { readonly code: string; readonly line?: number; readonly hint?: string }[];
  readonly limits: readonly { readonly text: string }[];
}

const OURS = { oursOnly: 'the peers have no command for it' };

forEachRuntime(
  'explain tells of a bundle, in text and as JSON',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'echo \u001b[31m\n'];
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'ipc');
      Object.assign(config.root, { readOnly: true });
    });
    const { status, stdout, stderr } = await rt.command('explain', '--bundle', bundle.dir);
    t.equal(status, 0, stderr);
    t.ok(stdout.startsWith(`Bundle ${bundle.dir}\n`));
    t.match(stdout, /\n {2}\/bin\/sh -c 'echo \\u001b\[31m\\u000a' {2}\[config\.json:\d+:5\]\n/);
    t.match(stdout, /\n {2}no ipc namespace: .* {2}\[config\.json:\d+:\d+\]\n {4}cure: add \{"type": "ipc"\}/);
    t.match(stdout, /\nProbably not meant\n {2}.*root\.readOnly.* {2}\[config\.json:\d+:\d+\]\n {4}cure: .*readonly/);
    const json = await rt.command('explain', '--format', 'json', '--bundle', bundle.dir);
    const explained = JSON.parse(json.stdout) as Explained;
    t.equal(explained.bundle, bundle.dir);
    t.match(
      explained.weaknesses.find(({ code }) => code === 'weak.ipc'),
      { line: Number, hint: String },
    );
    bundle.saveText('{"ociVersion": 7}');
    t.match(await rt.command('explain', '--bundle', bundle.dir), { status: 1, stderr: /ociVersion must be a string/ });
  },
  OURS,
);

forEachRuntime(
  'explain tells of a container by the config with which it was made',
  async (t, rt) => {
    const container = await rt.started(['wait']);
    const json = await rt.command('explain', '--format', 'json', container.id);
    t.match(JSON.parse(json.stdout), {
      id: container.id,
      status: 'running',
      bundle: String,
      runs: [{ text: /probe wait/ }],
    });
    t.match(await rt.command('explain', container.id), {
      status: 0,
      stdout: `Container ${container.id}, running, of `,
    });
    await container.remove('--force');
    t.match(await rt.command('explain', container.id), { status: 1, stderr: /does not exist/ });
  },
  OURS,
);
