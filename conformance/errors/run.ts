/**
 * Makes the mistakes of `triggers` with rt, runc and crun. Writes the messages side by side to FILE, and prints the score of
 * each family and where rt lacks points. Fails if rt has less than 97 % of the points, or none for a trigger.
 *
 *   run.ts FILE [WORDS]     only triggers whose family or name contains the words; RT_RUNTIMES=rt leaves out the peers
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { cleanUp, leftovers, takeSnapshot } from '../harness/leftovers.ts';
import { run } from '../harness/process.ts';
import { Sandbox } from '../harness/sandbox.ts';
import type { Bundle, Runtime } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';
import { judge } from './judge.ts';
import type { Points, Said } from './judge.ts';
import { report } from './report.ts';
import type { Row } from './report.ts';
import type { Call, Trigger } from './trigger.ts';
import { files, flags, jsons, lifecycles, rootlesses } from './triggers/commands.ts';
import { hooks } from './triggers/hooks.ts';
import { filters, kernels } from './triggers/kernel.ts';
import { mounts } from './triggers/mounts.ts';
import { execs, programs } from './triggers/program.ts';
import { resources } from './triggers/resources.ts';
import { users } from './triggers/users.ts';

const families: Readonly<Record<string, readonly Trigger[]>> = {
  'the program': programs,
  exec: execs,
  'users and working directory': users,
  'limits and cgroups': resources,
  'mounts and root filesystem': mounts,
  'namespaces, rights, devices': kernels,
  'seccomp profile': filters,
  hooks,
  'life cycle': lifecycles,
  'files and terminals': files,
  'JSON and types': jsons,
  options: flags,
  rootless: rootlesses,
};

const RT = join(import.meta.dirname, '../../build/rt');
const RUNTIMES: readonly Runtime[] = [
  { name: 'rt', argv: [RT], ours: true },
  ...(process.env['RT_RUNTIMES'] ?? 'runc,crun')
    .split(',')
    .filter((name) => name !== 'rt' && isInstalled(name))
    .map((name) => ({ name, argv: [name], ours: false })),
];
/** Debian's user daemon, who has no range in /etc/subuid. */
const USER = { uid: 1, gid: 1 };
/** Milliseconds; a command that takes longer hangs. */
const deadline = 15_000;

function isInstalled(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function say(runtime: Runtime, trigger: Trigger): Promise<Said> {
  const before = takeSnapshot();
  const sandbox = new Sandbox(runtime);
  try {
    return await call(sandbox, trigger);
  } finally {
    if (leftovers(sandbox, before).length > 0) await cleanUp(sandbox, before);
    // A peer may have made a path that is too long for Node.
    execFileSync('rm', ['-rf', sandbox.dir]);
  }
}

async function call(sandbox: Sandbox, { make, text, call: asked }: Trigger): Promise<Said> {
  const {
    words,
    state,
    user,
    globals = [],
    env = {},
    input,
    full,
  }: Call = asked ?? {
    words: ['run', '--bundle', 'DIR', 'ID'],
  };
  const bundle = sandbox.bundle();
  bundle.config.process.args = ['/bin/true'];
  make?.(bundle.config, bundle);
  const json = JSON.stringify(bundle.config, null, 2);
  const path = join(bundle.dir, 'config.json');
  // What is there has been made by the trigger, such as a directory of this name, or none.
  if (isFile(path)) writeFileSync(path, text?.(json) ?? json);
  const id = sandbox.nextId();
  if (state !== undefined) await bring(sandbox, bundle, id, state, make !== undefined && state === 'created');
  const argv = [...sandbox.runtime.argv];
  if (user === true) giveAway(sandbox, bundle, argv, env['RT_ROOT_OWNED'] !== undefined);
  const output = { stdout: join(sandbox.dir, 'stdout'), stderr: join(sandbox.dir, 'stderr') };
  const stdout = openSync(full === true ? '/dev/full' : output.stdout, 'w');
  const stderr = openSync(output.stderr, 'w');
  const given = words.map((word) =>
    word
      .replace(/^DIR/, bundle.dir)
      .replace(/^ID$/, id)
      .replace(/^OTHER$/, sandbox.nextId()),
  );
  const line = [
    ...argv,
    ...(globals.includes('--root=') ? [] : ['--root', sandbox.root]),
    ...globals.filter((word) => word !== '--root='),
    ...given,
  ];
  const options = {
    env: { ...sandbox.env, ...env },
    stdout,
    stderr,
    deadline,
    ...(user === true ? { user: USER } : {}),
    ...(input === undefined ? {} : { input }),
  };
  const status = await run(line, { ...options, cwd: bundle.dir }).then(
    (outcome) => outcome.status,
    () => undefined,
  );
  closeSync(stdout);
  closeSync(stderr);
  const message = readFileSync(output.stderr, 'utf8')
    .replaceAll(sandbox.dir, '/tmp/rt-e2e')
    .replaceAll(id, 'ID')
    .replaceAll(/rt-test-\d+-\d+-\d+/g, 'NAME');
  if (state !== undefined) await sandbox.command('delete', '--force', id);
  return { status, message: tidied(message, sandbox.runtime.ours) };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** A container in a state. `own`: it runs the program of the trigger. */
async function bring(
  sandbox: Sandbox,
  bundle: Bundle,
  id: string,
  state: NonNullable<Call['state']>,
  own: boolean,
): Promise<void> {
  if (!own) {
    bundle.config.process.args = state === 'stopped' ? ['/bin/true'] : ['/bin/sleep', '60'];
    writeFileSync(join(bundle.dir, 'config.json'), JSON.stringify(bundle.config, null, 2));
  }
  const container = await sandbox.create(bundle, id);
  if (state === 'created' || container.outcome.status !== 0) return;
  await container.start();
  if (state === 'paused') await sandbox.command('pause', id);
  if (state === 'stopped') await until('it has ended', async () => (await container.state()).status === 'stopped');
}

/** Lets the unprivileged user own the bundle, unless the mistake is that he does not, and reach the runtime. */
function giveAway(sandbox: Sandbox, bundle: Bundle, argv: string[], ofRoot: boolean): void {
  chmodSync(sandbox.dir, 0o755);
  if (sandbox.runtime.ours) {
    argv[0] = join(sandbox.dir, 'runtime');
    copyFileSync(RT, argv[0]);
  }
  execFileSync('mkdir', ['-p', sandbox.root]);
  if (ofRoot) chownSync(sandbox.root, USER.uid, USER.gid);
  else execFileSync('chown', ['-Rh', `${USER.uid}:${USER.gid}`, bundle.dir, sandbox.root]);
}

/** Of a peer's log line the message, in which quotes are not escaped. */
function tidied(text: string, ours: boolean): string {
  if (ours) return text.trim();
  return text
    .trim()
    .replace(/^time="[^"]*" /gm, '')
    .replace(/^\S+Z: /gm, '')
    .replaceAll('\\"', '"')
    .replaceAll('\\n', '\n');
}

const [, , file = 'build/errors.md', wanted = ''] = process.argv;
const rows: Row[] = [];
for (const [family, triggers] of Object.entries(families)) {
  for (const trigger of triggers) {
    if (!`${family}: ${trigger.what}`.includes(wanted)) continue;
    const cells: Record<string, Said & { points: Points }> = {};
    for (const runtime of RUNTIMES) {
      const said = await say(runtime, trigger);
      cells[runtime.name] = { ...said, points: judge(trigger, said, runtime.ours) };
    }
    rows.push({ family, trigger, cells });
  }
}
const { text, summary, passed } = report(
  rows,
  RUNTIMES.map(({ name }) => name),
);
writeFileSync(file, text);
console.log(summary);
process.exitCode = passed ? 0 : 1;
