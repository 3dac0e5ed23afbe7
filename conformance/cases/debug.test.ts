import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

const OURS = { oursOnly: 'the messages are specific to rt' };
const SECRET = 'hunter2';

interface LogRecord {
  readonly level: string;
  readonly msg: string;
}

/** The records of a log, which is removed. */
function takeRecords(log: string): LogRecord[] {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  rmSync(log);
  return lines.map((line) => JSON.parse(line) as LogRecord);
}

function configure(config: TestConfig): void {
  config.process.args = ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'];
  config.process.env?.push(`TOKEN=${SECRET}`);
  const hook = { path: '/bin/busybox', args: ['busybox', 'true', SECRET], env: [`TOKEN=${SECRET}`] };
  const kinds = ['createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];
  config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook]]));
}

/** Without their times, which are numbers. */
function steps(rt: Sandbox, log: string): string[] {
  return takeRecords(log).map(({ msg }) => msg.replace(/^\d+\.\d\d ms: /, '').replaceAll(rt.dir, 'DIR'));
}

forEachRuntime(
  '--debug: a record for each step, mount, cgroup, hook and process, and the output is unchanged',
  async (t, rt) => {
    const log = join(rt.dir, 'log');
    const globals = ['--debug', '--log', log, '--log-format', 'json'];
    const bundle = rt.bundle(configure);
    const plain = await rt.runBundle(bundle);
    t.strictSame(plain, { status: 3, stdout: 'out\n', stderr: 'err\n' });
    t.strictSame(await rt.command(...globals, 'run', '--bundle', bundle.dir, rt.nextId()), plain);
    const records = takeRecords(log);
    t.strictSame([...new Set(records.map(({ level }) => level))], ['debug']);
    for (const { msg } of records) t.match(msg, /^\d+\.\d\d ms: \S/);
    const text = records.map(({ msg }) => msg).join('\n');
    t.notOk(text.includes(SECRET), 'no argument or variable of a program');
    const ofRuntime = [
      'run',
      'read config',
      'plan',
      'make cgroup ',
      'started process ',
      'start program',
      'hook poststart #0 "/bin/busybox"',
      'wait',
      'delete',
      'remove cgroups',
      'hook poststop #0 "/bin/busybox"',
    ];
    // What init does is heard of later than it happens.
    const ofInit = [
      'mount proc on "/proc" (/mounts/0), ',
      'mount tmpfs on "/dev" (/mounts/1), ',
      'hook (/hooks/createContainer/0), ',
      'hook (/hooks/startContainer/0), ',
    ];
    for (const list of [ofRuntime, ofInit]) {
      let from = 0;
      for (const step of list) {
        const at = text.indexOf(` ms: ${step}`, from);
        t.ok(at >= from, `${step} in order`);
        from = Math.max(at, from);
      }
    }
    t.match(text, 'ended, exit code 3');
    t.match(text, 'hook createRuntime #0 "/bin/busybox"');
  },
  OURS,
);

forEachRuntime(
  '--debug: create, start, exec and delete have their steps; a failure is still the one record of an error',
  async (t, rt) => {
    const log = join(rt.dir, 'log');
    const globals = ['--log-level', 'debug', '--log', log, '--log-format', 'json'];
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    const id = rt.nextId();
    t.equal((await rt.commandDetached(...globals, 'create', '--bundle', bundle.dir, id)).status, 0);
    t.ok(steps(rt, log).some((step) => step.startsWith('mount proc on "/proc"')));
    t.equal((await rt.command(...globals, 'start', id)).status, 0);
    t.ok(steps(rt, log).includes(`container ${id} runs`));
    const exec = await rt.command(...globals, 'exec', '--env', `TOKEN=${SECRET}`, id, '/bin/echo', SECRET);
    t.strictSame(exec, { status: 0, stdout: `${SECRET}\n`, stderr: '' });
    const seen = steps(rt, log).join('\n');
    t.match(seen, /^started process \d+$/m);
    t.notOk(seen.includes(SECRET));
    t.equal((await rt.command(...globals, 'delete', '--force', id)).status, 0);
    t.ok(steps(rt, log).includes('remove cgroups'));

    bundle.config.mounts.push({ destination: '/mnt', source: '/nosuch', type: 'bind', options: ['bind'] });
    bundle.save();
    const failed = await rt.command(...globals, 'create', '--bundle', bundle.dir, rt.nextId());
    t.equal(failed.status, 1);
    t.notMatch(failed.stderr, 'ms: ');
    const records = takeRecords(log);
    t.strictSame(
      records.map(({ level }) => level).filter((level) => level !== 'debug'),
      ['error'],
    );
    t.match(records.map(({ msg }) => msg).join('\n'), /mount "\/nosuch" on "\/mnt" \(\/mounts\/\d\), .*: ENOENT$/m);
  },
  OURS,
);

forEachRuntime(
  '--debug without --log: the records are on standard error, and there are none without it',
  async (t, rt) => {
    const bundle = rt.bundle();
    const outcome = await rt.command('--debug', 'run', '--bundle', bundle.dir, rt.nextId());
    t.strictSame([outcome.status, outcome.stdout], [0, '']);
    t.match(outcome.stderr, /^time="[^"]*" level=debug msg="\d+\.\d\d ms: run"\n/);
    t.strictSame(await rt.runBundle(bundle), { status: 0, stdout: '', stderr: '' });
  },
  OURS,
);
