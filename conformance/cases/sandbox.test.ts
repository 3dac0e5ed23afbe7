/** Sandboxes of the Node package: each program that does not end is ended by its limit, and nothing is left of it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { SandboxResult } from '../../src/index.ts';
import { lackingController } from '../harness/cgroup.ts';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import type { CaseOptions } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const options: CaseOptions = {
  oursOnly: 'the package of this project',
  lacking: lackingController('memory') ?? lackingController('pids'),
};

/** Declares a case of the package, which is for Node. */
function sandboxCase(name: string, body: (t: Test, rt: Sandbox) => Promise<void>): void {
  forEachRuntime(
    name,
    async (t, rt) => {
      if (rt.runtime.name === 'node') await body(t, rt);
      else t.comment('the package is for Node');
    },
    options,
  );
}

/**
 * What a program with the package prints as JSON: `text` has `Sandbox`, `pool` and `options` that suit this case, and
 * `shell`, which runs a script in a sandbox.
 */
async function program(rt: Sandbox, text: string): Promise<unknown> {
  const begin = `
    import { Sandbox } from 'rt';
    const [rootfs, root, name] = process.argv.slice(1);
    const options = { rootfs, env: { PATH: '/bin' }, args: ['/bin/sh'], name, runtime: { root }, timeout: 30000 };
    const shell = (script, more = {}) => Sandbox.run({ ...options, args: ['/bin/sh', '-c', script], ...more });
    const print = (value) => console.log(JSON.stringify(value));`;
  const argv = [
    process.execPath,
    '--input-type=module',
    '--eval',
    begin + text,
    rt.bundle().rootfs,
    rt.root,
    rt.prefix,
  ];
  const outcome = await run(argv, { cwd: REPOSITORY, env: { ...rt.env, TMPDIR: rt.dir } });
  if (outcome.status !== 0) throw new Error(outcome.stderr);
  return JSON.parse(outcome.stdout) as unknown;
}

/** Temporary directories of sandboxes. */
function remains(rt: Sandbox): string[] {
  return readdirSync(rt.dir).filter((name) => name.startsWith('rt-sandbox-'));
}

sandboxCase('sandboxes: each program ends by its limit, and says by which', async (t, rt) => {
  const results = await program(
    rt,
    `const aborted = async () => {
       const stop = new AbortController();
       const sandbox = new Sandbox({ ...options, args: ['/bin/probe', 'wait'] });
       const { ended } = await sandbox.spawn({ signal: stop.signal });
       stop.abort();
       return ended;
     };
     print(await Promise.all([
      shell('cat; exit 3', { stdin: 'input' }),
      shell('while :; do :; done', { timeout: 300 }),
      shell('trap "" TERM INT HUP; while :; do /bin/probe nothing; done', { timeout: 300 }),
      shell('while :; do echo line; done', { limits: { output: 1000 } }),
      shell('exec /bin/probe memhog 67108864', { limits: { memory: 16777216 } }),
      shell('f() { while :; do f & done; }; trap "" EXIT; f; while :; do :; done', { timeout: 500, limits: { pids: 20 } }),
      shell('exec /bin/probe fault'),
      aborted(),
      shell('exec /bin/probe mount none /tmp tmpfs 0', { denied: 'kill' }),
      shell('for each in 1 2 3 4 5; do /bin/probe wait & done', { limits: { pids: 3 } }),
    ]));`,
  );
  const [exit, timeout, stubborn, writer, hog, bomb, signal, aborted, denied, forks] = results as SandboxResult[];
  t.match(exit, { reason: 'exit', exitCode: 3, signal: null, stdout: 'input', stderr: '' });
  t.ok((exit?.usage.cpu ?? 0) > 0 && (exit?.usage.peakMemory ?? 0) > 0 && (exit?.usage.time ?? 0) > 0);
  t.match(timeout, { reason: 'timeout', exitCode: 137, signal: 'SIGKILL' });
  t.match(stubborn, { reason: 'timeout', exitCode: 137 });
  t.match(writer, { reason: 'output', exitCode: 137 });
  t.equal(writer?.stdout.length, 1000);
  t.match(hog, { reason: 'memory', exitCode: 137, usage: { oomKills: 1 } });
  // A shell that cannot fork ends by itself.
  t.match(bomb, { reason: /^(timeout|pids)$/ });
  t.match(forks, { reason: 'pids', exitCode: 2 });
  t.match(signal, { reason: 'signal', exitCode: 132, signal: 'SIGILL' });
  t.match(aborted, { reason: 'aborted', exitCode: 137 });
  t.match(denied, { reason: 'denied', exitCode: 159, signal: 'SIGSYS' });
  t.strictSame(remains(rt), []);
});

sandboxCase('sandboxes: the program has no rights, no network, and cannot write to its root', async (t, rt) => {
  const script = `
    cat /proc/self/status /proc/self/uid_map /proc/net/dev /proc/self/limits; grep devpts /proc/mounts
    touch /new && echo written; touch /tmp/new && echo temporary
    cat /tmp/files/dir/name; touch /tmp/files/new && echo changed
    true`;
  const found = (await program(
    rt,
    `process.umask(0o077);
     const sandbox = new Sandbox({ ...options, args: ['/bin/sh', '-c', ${JSON.stringify(script)}] });
     const { stdout } = await sandbox.run({ files: { 'dir/name': 'content' } });
     print([stdout, sandbox.config, sandbox.explain()]);`,
  )) as [string, { readonly process: object }, string];
  const [stdout, config, explained] = found;
  const sets = [...stdout.matchAll(/^Cap(\w+):\t(\w+)$/gm)].map(([, name = '', set]) => [name, set]);
  t.strictSame(
    sets,
    ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((name) => [name, '0000000000000000']),
  );
  t.match(stdout, /^NoNewPrivs:\t1$/m);
  t.match(stdout, /^Seccomp:\t2$/m);
  t.match(stdout, /^ +0 +(18[789]|19|20|21)\d+ +65536$/m, 'ids of its own');
  t.notMatch(stdout, /^ *(eth|wl|en)/m);
  t.match(stdout, /^Max core file size +1 +1 /m, 'no core dumps, not even to a program of the host');
  t.match(stdout, /devpts .*max=64/);
  t.match(stdout, /temporary\ncontent/);
  t.notMatch(stdout, /written|changed/);
  t.match(config, { process: { noNewPrivileges: true }, root: { readonly: true } });
  t.match(explained, /What weakens it\n {2}nothing/);
});

sandboxCase('sandboxes: what is mounted below the root is read-only as well', async (t, rt) => {
  const found = await program(
    rt,
    `import { execFileSync } from 'node:child_process';
     import { mkdirSync, readdirSync } from 'node:fs';
     const [outer, inner] = ['/a b', '/a b/in'].map((path) => rootfs + path);
     const mount = (path) => { mkdirSync(path); execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'none', path]); };
     mount(outer);
     mount(inner);
     try {
       const { exitCode, stdout } = await shell('touch "/a b/new" || touch "/a b/in/new" || echo refused');
       print([exitCode, stdout, readdirSync(outer), readdirSync(inner)]);
     } finally {
       execFileSync('umount', ['-R', outer]);
     }`,
  );
  t.strictSame(found, [0, 'refused\n', ['in'], []]);
});

sandboxCase('sandboxes: a pool uses each container once and replaces it; what waits is removed', async (t, rt) => {
  const found = await program(
    rt,
    `const pool = Sandbox.pool({ ...options, size: 2 });
     await pool.ready();
     const results = await Promise.all(Array.from({ length: 5 }, (_, index) =>
       pool.run({ stdin: 'cat /tmp/mark 2>/dev/null; echo x >/tmp/mark; cat /tmp/files/name', files: { name: String(index) } })));
     await pool.ready();
     const closed = pool.close();
     const refused = await pool.run().catch((error) => error.message);
     await closed;
     print([results.map(({ stdout, reason }) => [stdout, reason]), refused]);`,
  );
  t.strictSame(found, [['0', '1', '2', '3', '4'].map((text) => [text, 'exit']), 'the pool is closed']);
  t.strictSame(remains(rt), []);
});

sandboxCase('sandboxes: an input that fails ends its program, and not the caller', async (t, rt) => {
  const found = await program(
    rt,
    `import { Readable } from 'node:stream';
     const failed = async (...reason) => {
       const stdin = new Readable({ read() {} });
       const started = await new Sandbox({ ...options, args: ['/bin/cat'] }).spawn({ stdin });
       stdin.push('line');
       started.stdout.once('data', () => stdin.destroy(...reason));
       const { reason: why, cause } = await started.ended;
       return [why, cause.message];
     };
     const early = new Readable({ read() {} });
     const ended = Sandbox.run({ ...options, args: ['/bin/cat'], stdin: early });
     early.destroy(new Error('lost'));
     const { reason, cause } = await ended;
     print([await failed(new Error('lost')), await failed(), [reason, cause.message]]);`,
  );
  t.strictSame(found, [
    ['input', 'lost'],
    ['input', 'Premature close'],
    ['input', 'lost'],
  ]);
});

sandboxCase('sandboxes: many programs share a signal, which keeps nothing of them', async (t, rt) => {
  const found = await program(
    rt,
    `import { getEventListeners } from 'node:events';
     const warned = [];
     process.on('warning', ({ name }) => warned.push(name));
     const stop = new AbortController();
     const { signal } = stop;
     const { AsyncRuntime } = await import('rt');
     const runtime = new AsyncRuntime({ root });
     const calls = Array.from({ length: 11 }, () => runtime.features({ signal }));
     const runs = Array.from({ length: 11 }, (_, each) => shell('echo ' + each, { signal }));
     const results = await Promise.all(runs);
     await Promise.all(calls);
     await new Promise(setImmediate);
     const left = getEventListeners(signal, 'abort').length;
     const last = shell('/bin/probe wait', { signal });
     setTimeout(() => stop.abort(), 300);
     print([results.map(({ stdout }) => Number(stdout)), warned, left, await last.then(({ reason }) => reason, () => 'aborted')]);`,
  );
  t.strictSame(found, [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [], 0, 'aborted']);
  t.strictSame(remains(rt), []);
});

sandboxCase('sandboxes: options are those of the time at which they were checked', async (t, rt) => {
  const found = await program(
    rt,
    `const own = { ...options, args: ['/bin/sh', '-c', 'echo $NAME'], env: { NAME: 'before' }, limits: { output: 3 } };
     const sandbox = new Sandbox(own);
     own.args[2] = 'reboot';
     own.env.NAME = 'after';
     own.limits.output = false;
     const { stdout, reason } = await sandbox.run();
     print([stdout, reason]);`,
  );
  t.strictSame(found, ['bef', 'output']);
});

sandboxCase('sandboxes: a pool that is ready has containers, or says why not', async (t, rt) => {
  const found = await program(
    rt,
    `const pool = Sandbox.pool({ ...options, rootfs: rootfs + '/none', size: 1 });
     const failure = () => pool.ready().then(() => 'ready', ({ name }) => name);
     print([await failure(), await failure()]);
     await pool.close();`,
  );
  t.strictSame(found, ['Failure', 'Failure']);
  t.strictSame(remains(rt), []);
});

sandboxCase('sandboxes: nothing is left of those of a process that exits, or is killed', async (t, rt) => {
  const text = `
    const pool = Sandbox.pool({ ...options, size: 2 });
    await pool.ready();
    const { stdout } = await new Sandbox({ ...options, args: ['/bin/sh', '-c', 'echo up; exec /bin/probe wait'] }).spawn();
    stdout.once('data', () => { print('up'); END });`;
  t.equal(await program(rt, text.replace('END', 'process.exit(0)')), 'up');
  t.strictSame(remains(rt), []);
  const early = 'Sandbox.pool({ ...options, size: 4 }); print("up"); process.exit(0);';
  t.equal(await program(rt, early), 'up');
  t.strictSame(remains(rt), [], 'nor if it exits before it has made any');
  await t.rejects(program(rt, text.replace('END', "process.kill(process.pid, 'SIGKILL')")));
  await until('the containers are gone', async () => (await rt.command('list', '--quiet')).stdout === '');
});

sandboxCase('sandboxes: wrong arguments are refused by name, before anything happens', async (t, rt) => {
  const wrong = [
    '{ args: [] }',
    '{ args: "sh" }',
    '{ args: ["sleep", 1] }',
    '{ rootfs: 5 }',
    '{ rootfs: "" }',
    '{ memory: 1 }',
    '{ size: 1 }',
    '{ limits: { memroy: 1 } }',
    '{ limits: { pids: 0 } }',
    '{ env: { "A=B": "c" } }',
    '{ name: "a b" }',
    '{ name: "x".repeat(219) }',
    '{ env: { "": "c" } }',
    '{ limits: { memory: 0 } }',
    '{ limits: { tmp: 0 } }',
    '{ timeout: "1" }',
    '{ timeout: 2147483648 }',
    '{ env: new Map([["A", "b"]]) }',
    '{ network: true }',
    '{ files: { "../a": "" } }',
    '{ files: { ".": "" } }',
    '{ files: { "a/b/c": "", a: "" } }',
    '{ stdin: 5 }',
    '{ stdin: new (await import("node:stream")).Writable() }',
  ];
  const found = await program(
    rt,
    `print(await Promise.all([${wrong.join(',')}].map((one) =>
       Sandbox.run({ ...options, ...one }).catch((error) => error.name + ': ' + error.message))));`,
  );
  t.strictSame(found, [
    'TypeError: options.args must not be empty',
    'TypeError: options.args must be an array of strings without NUL, not "sh"',
    'TypeError: options.args[1] must be a string without NUL, not 1',
    'TypeError: options.rootfs must be a string without NUL, not 5',
    'TypeError: options.rootfs must not be empty',
    'TypeError: options.memory is unknown; options.limits.memory may be meant',
    'TypeError: options.size is unknown; Sandbox.pool takes it',
    'TypeError: options.limits.memroy is unknown; options.limits.memory may be meant',
    'TypeError: options.limits.pids must be an integer above 0, not 0',
    'TypeError: options.env: "A=B" must be a name without = and NUL',
    'TypeError: options.name must be up to 218 letters, digits and _ + - . with no dot in front, not "a b"',
    `TypeError: options.name must be up to 218 letters, digits and _ + - . with no dot in front, not "${'x'.repeat(219)}"`,
    'TypeError: options.env: "" must be a name without = and NUL',
    'TypeError: options.limits.memory must be an integer above 0, not 0',
    'TypeError: options.limits.tmp must be an integer above 0, not 0',
    'TypeError: options.timeout must be a number of milliseconds above 0, not "1"',
    'TypeError: options.timeout must be at most 2147483647, or false for never',
    'TypeError: options.env must be an object, not an iterable',
    'TypeError: options.network must be false: a sandbox has no network',
    'TypeError: input.files: "../a" must be a relative path without . and ..',
    'TypeError: input.files: "." must be a relative path without . and ..',
    'TypeError: input.files: "a" cannot be a file and a directory',
    'TypeError: input.stdin must be a string, a Uint8Array or a Readable',
    'TypeError: input.stdin must be a string, a Uint8Array or a Readable',
  ]);
});

sandboxCase('sandboxes: an option in the wrong place is refused with the right one', async (t, rt) => {
  const found = await program(
    rt,
    `const said = (call) => Promise.resolve().then(call).then(() => 'nothing', ({ message }) => message);
     const pool = Sandbox.pool({ ...options, size: 0 });
     const refused = [
       await said(() => new Sandbox({ ...options, stdin: '' })),
       await said(() => Sandbox.pool({ ...options, files: {} })),
       await said(() => new Sandbox(options).run({ timeout: 1 })),
       await said(() => pool.run({ size: 1 })),
       await said(() => Sandbox.pool({ ...options, args: ['/tmp/files/program'] })),
     ];
     await pool.close();
     print([...refused, await said(() => pool.ready())]);`,
  );
  t.strictSame(found, [
    'options.stdin is unknown; run and spawn take it',
    'options.files is unknown; run and spawn take it',
    'input.timeout is unknown; it is an option of the sandbox or the pool',
    'input.size is unknown; it is an option of the sandbox or the pool',
    'options.args: a pool has no /tmp/files/program before a run; name one of the root filesystem that executes it',
    'the pool is closed',
  ]);
});

sandboxCase('sandboxes: the program may be one of the files', async (t, rt) => {
  const found = await program(
    rt,
    `const files = { 'bin/program': '#!/bin/sh\\necho "ran $1"' };
     const { stdout } = await Sandbox.run({ ...options, args: ['/tmp/files/bin/program', 'once'], files });
     const pool = Sandbox.pool({ ...options, args: ['/bin/sh', '-c', 'exec /tmp/files/bin/program twice'], size: 1 });
     const pooled = await pool.run({ files });
     await pool.close();
     print([stdout, pooled.stdout]);`,
  );
  t.strictSame(found, ['ran once\n', 'ran twice\n']);
  t.strictSame(remains(rt), []);
});

sandboxCase(
  'sandboxes: a root that contains the directory for temporary files shows files from elsewhere',
  async (t, rt) => {
    const found = await program(
      rt,
      `import { mkdirSync } from 'node:fs';
     const own = process.env.TMPDIR;
     const [hidden, seen] = ['/tmp/temporary', '/temporary'].map((path) => rootfs + path);
     for (const path of [hidden, seen]) mkdirSync(path, { recursive: true, mode: 0o755 });
     const shown = (directory) => {
       process.env.TMPDIR = directory;
       return shell('cat /tmp/files/name', { files: { name: 'content' } }).then(({ stdout }) => stdout, ({ message }) => message);
     };
     print([await shown(hidden), await shown(seen), await shown(own)]);`,
    );
    t.match(found, [/^options.rootfs: .* set TMPDIR to another one, such as \/var\/tmp$/, 'content', 'content']);
  },
);

forEachRuntime(
  'spec --hardened writes a config that runs',
  async (t, rt) => {
    const bundle = rt.bundle();
    const written = await rt.command('spec', '--hardened', '--file', join(rt.dir, 'hardened.json'));
    t.equal(written.status, 0, written.stderr);
    const file = join(rt.dir, 'hardened.json');
    const validated = await rt.command('validate', '--bundle', bundle.dir, '--config', file);
    t.match(validated, { status: 0, stdout: `${file} is valid\n` });
    const outcome = await rt.commandWith(
      { input: 'id -u; echo $PPID' },
      'run',
      '--bundle',
      bundle.dir,
      '--config',
      file,
      rt.nextId(),
    );
    t.match(outcome, { status: 0, stdout: '1000\n0\n' });
  },
  options,
);
