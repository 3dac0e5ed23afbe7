import t from 'tap';
import { Failure } from '../diag/diagnostic.ts';
import { maximumDepth, mayHoldLongIntegers, parseExactJson, parseJson, refuseDepth } from './json.ts';

const parsers = { parseJson, parseExactJson };

function failure(action: () => unknown): Failure {
  try {
    action();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

t.test('integers are exact when they are read exactly', async (t) => {
  const read = (literal: string): unknown => parseExactJson(`[${literal}]`, 'x');
  t.strictSame(read('1'), [1]);
  t.strictSame(read('-0'), [-0]);
  t.strictSame(read('9007199254740991'), [9007199254740991]);
  t.strictSame(read('9007199254740993'), [9007199254740993n]);
  t.strictSame(read('-9223372036854775808'), [-9223372036854775808n]);
  t.strictSame(read('18446744073709551616'), [18446744073709551616n]);
  t.strictSame(read('1e3'), [1000]);
  t.strictSame(read('1.5'), [1.5]);
  t.strictSame(read('1e30'), [1e30]);
  t.strictSame(read('9'.repeat(1_000_000)), [Infinity], 'a million digits take no time');
});

t.test('an integer that JSON.parse would round is detected', async (t) => {
  t.ok(mayHoldLongIntegers('{"a": 9007199254740993}'));
  t.notOk(mayHoldLongIntegers('{"a": 900719925474099}'));
});

for (const [name, parser] of Object.entries(parsers)) {
  t.test(`${name}: duplicates, __proto__`, async (t) => {
    t.strictSame(parser('{"a": 1, "a": 2}', 'x'), { a: 2 });
    const value = parser('{"__proto__": {"root": 1}}', 'x') as { root?: unknown };
    t.equal(value.root, undefined, 'a member named __proto__ is no prototype');
  });

  t.test(`${name}: invalid JSON is refused with its place`, async (t) => {
    const { diagnostics } = failure(() => parser('{\n  "a": 1,\n  b\n}', 'config.json'));
    t.match(diagnostics, [
      { code: 'config.syntax', message: /^config\.json is not valid JSON: /, location: { line: 3, column: 3 } },
    ]);
    t.equal(diagnostics.length, 1);
    t.equal(failure(() => parser('', 'config.json')).message, 'config.json is empty');
    t.equal(failure(() => parser(' \n', 'config.json')).message, 'config.json is empty');
    for (const text of ['\0\x01', '{', '{}{}', 'NaN', "{'a': 1}", '{"a": 01}', '[1,]', '\uFEFF{}', '"\x01"', '"\\x"']) {
      t.match(
        failure(() => parser(text, 'config.json')).message,
        /^config\.json is not valid JSON: ./,
        JSON.stringify(text),
      );
    }
  });

  t.test(`${name}: deep nesting is refused, brackets in strings are not`, async (t) => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    t.ok(parser(deep(maximumDepth), 'x'));
    for (const text of [deep(200_000), '['.repeat(200_000), `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`]) {
      t.match(failure(() => parser(text, 'config.json')).message, /nested more than/);
    }
    const wide = JSON.stringify(Array.from({ length: 1000 }, () => ({ a: '[[[{{{\\"' })));
    t.equal((parser(wide, 'x') as unknown[]).length, 1000);
  });
}

t.test('the limit of the nesting', async (t) => {
  refuseDepth('['.repeat(maximumDepth), 'x');
  refuseDepth('[]'.repeat(maximumDepth * 2), 'x');
  const { message } = failure(() => refuseDepth('{'.repeat(maximumDepth + 1), 'config.json'));
  t.match(message, /^config\.json is not usable: its values are nested more than 512 levels deep/);
});
