import t from 'tap';
import { EACCES } from '../kernel/errno.ts';
import { FakeHost } from '../../test/fake-host.ts';
import { main } from './main.ts';

function run(...words: string[]): { code: number; stdout: string; stderr: string; host: FakeHost } {
  const host = new FakeHost();
  const code = main(words, host.native);
  return { code, stdout: host.stdout, stderr: host.stderr, host };
}

t.test('main prints help', async (t) => {
  for (const words of [[], ['--help'], ['-h'], ['help'], ['h']]) {
    const { code, stdout, stderr } = run(...words);
    t.equal(code, 0);
    t.match(stdout, /^rt runs containers/);
    t.equal(stderr, '');
  }
  for (const words of [
    ['create', '--help'],
    ['create', '-h'],
    ['help', 'create'],
    ['create', 'a', 'b', '-h'],
  ]) {
    const { code, stdout } = run(...words);
    t.equal(code, 0);
    t.match(stdout, /^rt create: /);
  }
});

t.test('main prints the version', async (t) => {
  for (const word of ['-v', '-V', '--version']) t.match(run(word), { code: 0, stdout: /^rt version / }, word);
});

t.test('main explains usage on stdout and the fault on stderr', async (t) => {
  t.match(run('create'), {
    code: 1,
    stdout: /^Incorrect Usage\.\n\nrt create: /,
    stderr: 'rt: "create" requires exactly 1 argument(s)\n',
  });
  t.match(run('create', '--bogus', 'x'), { code: 1, stderr: 'rt: flag provided but not defined: -bogus\n' });
  t.match(run('create', 'x', '-b'), { code: 1, stderr: 'rt: flag needs an argument: -b\n' });
  t.match(run('--root'), { code: 1, stdout: /rt runs containers/, stderr: 'rt: flag needs an argument: -root\n' });
  t.match(run('--log-format', 'xml', 'list'), { code: 1, stderr: /^rt: invalid log-format: xml\n/ });
  t.same([run('foo').code, run('foo').stderr], [3, "rt: No help topic for 'foo'\n"]);
  t.match(run('strat').stderr, /hint: did you mean start\?/);
  t.match(run('stop').stderr, /hint: rt kill ID/);
  t.match(run('create', '--bundel', 'b', 'x').stderr, /hint: did you mean --bundle\?/);
  t.match(run('run', '--debug', 'x').stderr, /hint: give --debug before the command/);
  t.equal(run('toString').code, 3);
  t.equal(run('help', 'foo').code, 3);
});

t.test('main reports a failure on stderr and once in the log', async (t) => {
  const { code, stdout, stderr, host } = run('--log', '/l', '--log-format', 'json', 'state', 'c1');
  t.same([code, stdout, stderr], [1, '', 'rt: container does not exist: "c1"\n']);
  const record =
    '{"level":"error","msg":"container does not exist: \\"c1\\"","time":"2023-11-14T22:13:20Z","code":"state.absent","id":"c1"}\n';
  t.equal(host.files.get('/l'), record);
  main(['--log', '/l', '--log-format', 'json', 'state', 'c1'], host.native);
  t.equal(host.files.get('/l'), record + record, 'the log is appended to');
  t.match(run('--log', '/l', 'state', 'c1').host.files.get('/l'), /^time="2023-11-14T22:13:20Z" level=error msg="con/);
  t.equal(run('--log-format', 'json', 'state', 'c1').stderr, record, 'JSON goes to stderr when there is no log');
});

t.test('main still reports the failure if the log cannot be written', async (t) => {
  const host = new FakeHost();
  let writes = 0;
  host.fault = (call) => (call.startsWith('writeText') && ++writes > 1 ? -EACCES : 0);
  t.equal(main(['--log', '/l', 'state', 'c1'], host.native), 1);
  t.match(host.stderr, 'rt: container does not exist: "c1"\n');
  t.match(host.stderr, 'rt: cannot write to the log "/l": permission denied');
});

t.test('main leaves the log empty if the command succeeds', async (t) => {
  const { code, stdout, stderr, host } = run('--log', '/l', 'list', '-q');
  t.same([code, stdout, stderr, host.files.get('/l')], [0, '', '', '']);
});

t.test('main does nothing without the log that it was given', async (t) => {
  const host = new FakeHost();
  host.fault = (call) => (call.startsWith('writeText') ? -EACCES : 0);
  t.equal(main(['--log', '/l', '--log-format', 'json', 'delete', '--force', 'c1'], host.native), 1);
  t.equal(host.stderr, 'rt: cannot open log file "/l": permission denied (open)\n');
});

t.test('main logs to a file, to syslog or to the journal', async (t) => {
  t.match(run('--log', 'file:/l', 'state', 'c1').host.files.get('/l'), 'does not exist');
  t.match(run('--log', '/other:l', 'state', 'c1').host.files.get('/other:l'), 'does not exist', 'a name with a colon');
  t.match(run('--log', 'syslog:', 'state', 'c1'), { code: 1, stderr: /"" cannot identify messages/ });
  t.match(run('--log', 'journald:a\nb', 'state', 'c1'), { code: 1, stderr: /cannot identify messages/ });
});

t.test('main drops what is less severe than the level', async (t) => {
  t.match(run('--log-level', 'error', 'state', 'c1').stderr, 'does not exist', 'errors never');
  t.match(run('--log-level', 'info', 'list'), { code: 1, stderr: /^rt: invalid log-level: info\n/ });
});

t.test('main prints the summary of crun, and its help', async (t) => {
  t.match(run('--usage'), { code: 0, stdout: /^Usage: rt \[--root DIR\]\n/ });
  t.match(run('kill', '--usage'), { code: 0, stdout: 'Usage: rt kill [-a|--all]\n' });
  for (const words of [['-?'], ['kill', '-?']]) t.match(run(...words), { code: 0, stdout: /^rt (runs|kill)/ });
});

t.test('main accepts global options that a command does not use', async (t) => {
  t.match(run('--systemd-cgroup', 'delete', '-f', 'c1'), { code: 0 }, 'engines pass it to every command');
});

t.test('main reports an internal error', async (t) => {
  const host = new FakeHost();
  const native = {
    ...host.native,
    open: () => {
      throw new TypeError('oops');
    },
  };
  t.equal(main(['state', 'c1'], native), 1);
  t.match(host.stderr, /^rt: internal error: oops \(at .*\)\n  hint: /);
});
