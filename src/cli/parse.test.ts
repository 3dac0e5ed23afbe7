import t from 'tap';
import { commands, globalOptions } from '../options/options.ts';
import type { CommandName } from '../options/options.ts';
import { UsageFailure, checkOperands, parseCommand, parseGlobals } from './parse.ts';

/** Options that were given with a value other than false, and operands. */
function parse(name: CommandName, ...words: string[]): { options: object; operands: readonly string[] } {
  const { options, operands } = parseCommand(words, name, commands[name]);
  return { options: given(options), operands };
}

function given(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== false));
}

function fault(name: CommandName, ...words: string[]): string {
  try {
    const spec = commands[name];
    checkOperands(parseCommand(words, name, spec).operands, name);
  } catch (error) {
    if (error instanceof UsageFailure && error.command === name) return error.message;
    throw error;
  }
  return 'no fault';
}

t.test('parseCommand accepts every spelling of an option', async (t) => {
  const cases: [CommandName, string[], object, string[]][] = [
    ['create', ['c1'], {}, ['c1']],
    ['create', ['--bundle', '/b', 'c1'], { bundle: '/b' }, ['c1']],
    ['create', ['--bundle=/b', 'c1'], { bundle: '/b' }, ['c1']],
    ['create', ['-bundle', '/b', 'c1'], { bundle: '/b' }, ['c1']],
    ['create', ['-bundle=/b', 'c1'], { bundle: '/b' }, ['c1']],
    ['create', ['-b', '/b', 'c1'], { bundle: '/b' }, ['c1']],
    ['create', ['-b=/b', 'c1'], { bundle: '/b' }, ['c1']],
    ['create', ['-pid-file', 'x', 'c1'], { 'pid-file': 'x' }, ['c1']],
    ['create', ['c1', '--pid-file', 'x'], { 'pid-file': 'x' }, ['c1']],
    ['create', ['--bundle', '-odd', 'c1'], { bundle: '-odd' }, ['c1']],
    ['create', ['--bundle', '--', 'c1'], { bundle: '--' }, ['c1']],
    ['create', ['--bundle=a=b', 'c1'], { bundle: 'a=b' }, ['c1']],
    ['create', ['--bundle', 'a', '--bundle', 'b', 'c1'], { bundle: 'b' }, ['c1']],
    ['create', ['--bundle', '7', '0x10'], { bundle: '7' }, ['0x10']],
    ['create', ['--no-pivot', 'c1'], { 'no-pivot': true }, ['c1']],
    ['create', ['--no-new-keyring', 'c1'], { 'no-new-keyring': true }, ['c1']],
    ['create', ['-f', 'x.json', 'c1'], { config: 'x.json' }, ['c1']],
    ['run', ['-d', 'c1'], { detach: true }, ['c1']],
    ['run', ['--detach', 'true'], { detach: true }, ['true']],
    ['run', ['-no-subreaper', 'c1'], { 'no-subreaper': true }, ['c1']],
    ['delete', ['-f', 'c1'], { force: true }, ['c1']],
    ['delete', ['c1', '--force'], { force: true }, ['c1']],
    ['delete', ['-fr', 'a.*'], { force: true, regex: true }, ['a.*']],
    ['run', ['-db/b', 'c1'], { detach: true, bundle: '/b' }, ['c1']],
    ['run', ['-db', '/b', 'c1'], { detach: true, bundle: '/b' }, ['c1']],
    ['exec', ['-tu1000:5', '-eA=b', 'c1'], { tty: true, user: '1000:5', env: ['A=b'] }, ['c1']],
    ['delete', ['--', '--force'], {}, ['--force']],
    ['delete', ['-'], {}, ['-']],
    ['kill', ['c1', 'KILL', '--all'], { all: true }, ['c1', 'KILL']],
    ['kill', ['-a', 'c1', '9'], { all: true }, ['c1', '9']],
    ['list', ['-f', 'json', '-q'], { format: 'json', quiet: true }, []],
    ['spec', ['--rootless'], { 'rootless-spec': true }, []],
    ['state', ['-h'], { help: true }, []],
  ];
  for (const [name, words, options, operands] of cases) {
    t.same(parse(name, ...words), { options, operands }, `${name} ${words.join(' ')}`);
  }
});

t.test('parseCommand reads booleans as Go does', async (t) => {
  for (const text of ['1', 't', 'T', 'true', 'TRUE', 'True']) {
    t.same(parse('delete', `--force=${text}`, 'c1').options, { force: true }, text);
  }
  for (const text of ['0', 'f', 'F', 'false', 'FALSE', 'False']) {
    t.same(parse('delete', `--force=${text}`, 'c1').options, {}, text);
  }
  t.equal(fault('delete', '--force=yes', 'c1'), 'invalid boolean value "yes" for -force');
});

t.test('parseCommand reads integers by their prefix', async (t) => {
  const cases: [string, number][] = [
    ['0', 0],
    ['10', 10],
    ['0x10', 16],
    ['010', 8],
    ['0o17', 15],
    ['0b11', 3],
    ['-3', -3],
    ['+3', 3],
  ];
  for (const [text, value] of cases) {
    t.same(parse('create', '--preserve-fds', text, 'c1').options, { 'preserve-fds': value }, text);
  }
  for (const text of ['x', '1.5', '08', '1e3', '99999999999999999999']) {
    t.equal(fault('create', '--preserve-fds', text, 'c1'), `invalid value "${text}" for flag -preserve-fds`, text);
  }
});

t.test('parseCommand and checkOperands name the fault', async (t) => {
  t.equal(fault('create', '--bundle'), 'flag needs an argument: -bundle');
  t.equal(fault('create', 'c1', '-b'), 'flag needs an argument: -b');
  t.equal(fault('create', '--bogus', 'c1'), 'flag provided but not defined: -bogus');
  t.equal(fault('create', '-bogus=1', 'c1'), 'flag provided but not defined: -bogus');
  t.equal(fault('create', '--pid', 'f', 'c1'), 'flag provided but not defined: -pid');
  t.equal(fault('create', '-bundel', '/b', 'c1'), 'flag provided but not defined: -bundel');
  t.equal(fault('delete', '-df', 'c1'), 'flag provided but not defined: -df');
  t.equal(fault('delete', '---force', 'c1'), 'bad flag syntax: ---force');
  t.equal(fault('delete', '--=1', 'c1'), 'bad flag syntax: --=1');
  t.equal(fault('create'), '"create" requires exactly 1 argument(s)');
  t.equal(fault('create', 'a', 'b'), '"create" requires exactly 1 argument(s)');
  t.equal(fault('kill'), '"kill" requires a minimum of 1 argument(s)');
  t.equal(fault('kill', 'a', 'b', 'c'), '"kill" requires a maximum of 2 argument(s)');
  t.equal(fault('list', 'x'), '"list" requires exactly 0 argument(s)');
  t.equal(fault('list', '--format', 'xml'), 'invalid format: xml');
});

t.test('parseGlobals stops at the command', async (t) => {
  const parseAll = (...words: string[]): unknown => {
    const { options, rest } = parseGlobals(words, globalOptions);
    return [given(options), rest];
  };
  t.same(parseAll(), [{}, []]);
  t.same(parseAll('--root', '/r', 'create', '--bundle', 'x', 'c1'), [
    { root: '/r' },
    ['create', '--bundle', 'x', 'c1'],
  ]);
  t.same(parseAll('--log=/l', '--log-format', 'json', '--systemd-cgroup', 'state', 'c1'), [
    { log: '/l', 'log-format': 'json', 'systemd-cgroup': true },
    ['state', 'c1'],
  ]);
  t.same(parseAll('-debug', '--', 'state'), [{ debug: true }, ['state']]);
  t.same(parseAll('--criu', '/usr/bin/criu', '--rootless', 'auto', 'list'), [
    { criu: '/usr/bin/criu', rootless: 'auto' },
    ['list'],
  ]);
  t.same(parseAll('-v'), [{ version: true }, []]);
  t.throws(() => parseAll('--log-format', 'xml', 'list'), { message: 'invalid log-format: xml' });
  t.same(parseAll('--rootless=T', 'list'), [{ rootless: 'true' }, ['list']], 'as engines written in Go may put it');
  t.same(parseAll('--rootless=0', 'list'), [{ rootless: 'false' }, ['list']]);
  t.throws(() => parseAll('--rootless', 'maybe', 'list'), { message: 'invalid rootless: maybe' });
});
