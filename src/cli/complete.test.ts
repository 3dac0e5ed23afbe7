import t from 'tap';
import { CAPABILITIES } from '../kernel/processes.ts';
import { complete } from './complete.ts';
import { commands } from '../options/options.ts';

const noIds = (): string[] => [];

function words(...line: string[]): string[] {
  return complete(line, noIds).candidates.map(({ word }) => word);
}

t.test('complete offers every command with its summary', async (t) => {
  const { candidates, paths } = complete([''], noIds);
  t.strictSame(
    candidates.map(({ word }) => word),
    [...Object.keys(commands), 'help'],
  );
  t.equal(paths, 'none');
  t.match(candidates, [{ word: 'create', help: commands.create.summary }]);
  t.strictSame(words('--debug', '--root', '/r', 'st'), words(''), 'after global options');
  t.strictSame(words('help', ''), Object.keys(commands));
});

t.test('complete offers the options at the cursor, each once', async (t) => {
  t.strictSame(words('-').slice(0, 2), ['--root', '--log']);
  t.strictSame(words('--root', '/r', '-')[0], '--log', 'not a second time');
  t.strictSame(words('delete', '-'), ['--force', '-f', '--regex', '-r', '--help', '-h']);
  t.strictSame(words('delete', '-f', 'c1', '-'), ['--regex', '-r', '--help', '-h'], 'also after an operand');
  t.ok(words('exec', '--env', 'A=B', '-').includes('--env'), 'one that may be repeated');
  t.notOk(words('update', '-').includes('--kernel-memory'), 'not what the help hides');
});

t.test('complete derives candidates from the names of values', async (t) => {
  const paths = (...line: string[]): string => complete(line, noIds).paths;
  t.equal(paths('create', '--bundle', ''), 'directories');
  t.equal(paths('create', '--bundle='), 'directories');
  t.equal(paths('run', '--pid-file', 'a'), 'files');
  t.strictSame(words('--log-format', ''), ['text', 'json']);
  t.strictSame(words('list', '-f', 't'), ['table', 'json']);
  t.strictSame(words('list', '--format=t'), ['--format=table', '--format=json']);
  t.strictSame(words('list', '--quiet='), ['--quiet=true', '--quiet=false']);
  t.strictSame(words('exec', '--cap', ''), Object.keys(CAPABILITIES));
  t.strictSame(words('update', '--memory', ''), []);
});

t.test('complete offers containers for ID', async (t) => {
  const roots: (string | undefined)[] = [];
  const ids = (...line: string[]): string[] => {
    const list = (root: string | undefined): string[] => {
      roots.push(root);
      return ['c1', 'c2'];
    };
    return complete(line, list).candidates.map(({ word }) => word);
  };
  t.strictSame(ids('state', ''), ['c1', 'c2']);
  t.strictSame(ids('--root=/r', 'kill', '--all', 'c'), ['c1', 'c2']);
  t.strictSame(ids('--root', '/s', 'exec', '-t', ''), ['c1', 'c2']);
  t.strictSame(roots, [undefined, '/r', '/s']);
  t.strictSame(ids('create', ''), [], 'not for one that is to be made');
  t.strictSame(ids('plan', '--id', ''), []);
  t.strictSame(ids('list', ''), []);
});

t.test('complete continues after the container', async (t) => {
  t.ok(words('kill', 'c1', '').includes('TERM'));
  t.strictSame(words('kill', 'c1', 'TERM', ''), []);
  t.strictSame(words('exec', 'c1', '-'), [], 'the words of the program are its own');
  t.strictSame(words('completion', ''), ['bash', 'zsh', 'fish']);
  t.strictSame(words('nonsense', ''), []);
  t.strictSame(words('constructor', ''), []);
});
