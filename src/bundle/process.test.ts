import t from 'tap';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { parseSavedConfig, readProcess } from './process.ts';

function faults(text: string): readonly Diagnostic[] {
  try {
    readProcess(text, 'p.json');
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.diagnostics;
    throw error;
  }
}

t.test('readProcess accepts a process', async (t) => {
  t.same(readProcess('{"cwd": "/", "args": ["x"]}', 'p.json'), {
    process: { cwd: '/', args: ['x'] },
    warnings: [],
  });
  const limit = '{"type": "RLIMIT_AS", "soft": 1, "hard": 18446744073709551615}';
  const { process } = readProcess(`{"cwd": "/", "args": ["x"], "rlimits": [${limit}]}`, 'p.json');
  t.equal(process.rlimits?.[0]?.hard, 18446744073709551615n);
});

t.test('readProcess warns of names that are probably misspelt', async (t) => {
  const text = '{"cwd": "/", "args": ["x"], "x-own": 1,\n "user": {"UID": 7},\n "capabilites": {}}';
  t.match(readProcess(text, 'p.json').warnings, [
    { message: /process\.user\.UID/, hint: /uid/, location: { file: 'p.json', line: 2, column: 11 } },
    { message: /process\.capabilites/, hint: /capabilities/, location: { file: 'p.json', line: 3, column: 2 } },
  ]);
  t.equal(readProcess(text, 'p.json').warnings.length, 2);
});

t.test('readProcess reports every fault with its place in the file', async (t) => {
  const found = faults('{\n"cwd": "x",\n"args": [],\n"env": ["A"]}');
  t.same(
    found.map(({ location }) => location?.line),
    [2, 3, 4],
  );
  t.match(found[0], { location: { file: 'p.json' }, message: /absolute path/ });
  t.match(faults('{"cwd": "/"}')[0]?.message, 'args must not be empty');
  t.match(faults('[]')[0]?.message, 'must be');
  t.match(faults('{"cwd": "/",\n"arg": ["x"]}'), [
    { message: /^args must not be empty/ },
    { pointer: '/process/arg', hint: 'did you mean args?', location: { line: 2 } },
  ]);
});

t.test('parseSavedConfig keeps limits exact', async (t) => {
  const limit = '{"type": "RLIMIT_AS", "soft": 9007199254740993, "hard": 2}';
  const text = `{"ociVersion": "1.0.0", "process": {"cwd": "/", "rlimits": [${limit}]}}`;
  t.equal(parseSavedConfig(text, 'x').process?.rlimits?.[0]?.soft, 9007199254740993n);
  t.equal(parseSavedConfig(text.replace('9007199254740993', '5'), 'x').process?.rlimits?.[0]?.soft, 5);
});

t.test('parseSavedConfig refuses what was damaged', async (t) => {
  const texts = ['', '{"ociVersion": "1.0.0"', 'null', '[]', '{"ociVersion": "1.0.0", "linux": 5}', '['.repeat(1000)];
  for (const text of texts) {
    t.throws(
      () => parseSavedConfig(text, '/r/c/config.json'),
      { message: /"\/r\/c\/config.json": not a config/ },
      text,
    );
  }
});
