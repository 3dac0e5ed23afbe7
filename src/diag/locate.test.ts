import t from 'tap';
import { placesIn, syntaxFault } from './locate.ts';
import { printable } from './printable.ts';

const text = `{
  "process": { "cwd": 7 },
  "mounts": [
    { "destination": "/a" },
      { "destination": "/b", "a/b~c": 1 }
  ],
  "process": {
    "args": ["x",
      "y"]
  }
}
`;

function place(pointer: string): string {
  const { file, line, column } = placesIn(text, 'config.json').atPointer(pointer);
  return `${file}:${line}:${column}`;
}

t.test('a pointer is located at the name of the member, or at the element', async (t) => {
  t.equal(place('/mounts'), 'config.json:3:3');
  t.equal(place('/mounts/1'), 'config.json:5:7');
  t.equal(place('/mounts/1/destination'), 'config.json:5:9');
  t.equal(place('/process/args/1'), 'config.json:9:7');
  t.equal(place(''), 'config.json:1:1');
});

t.test('parts of a pointer are unescaped', async (t) => {
  t.equal(place('/mounts/1/a~1b~0c'), 'config.json:5:30');
});

t.test('of duplicate members the last counts', async (t) => {
  t.equal(place('/process'), 'config.json:7:3');
});

t.test('a missing value is located at the innermost object that should contain it', async (t) => {
  t.equal(place('/mounts/0/source'), 'config.json:4:5');
  t.equal(place('/mounts/7'), 'config.json:3:3');
  t.equal(place('/linux/namespaces'), 'config.json:1:1');
  t.equal(place('/process/args/0/x'), 'config.json:8:14');
});

t.test('another text is not mistaken for the last one', async (t) => {
  t.equal(placesIn('{"a":1}', 'x').atPointer('/a').column, 2);
  t.equal(placesIn('{\n"a":1}', 'x').atPointer('/a').line, 2);
});

t.test('the first syntax error is found', async (t) => {
  const cases: readonly (readonly [text: string, position: string, words: RegExp])[] = [
    ['{]', '1:2', /member name/],
    ['{\n  "a": 1,\n}', '3:1', /comma before this bracket is too much/],
    ['[1, ]', '1:5', /comma before this bracket is too much/],
    ['{a: 1}', '1:2', /member name needs double quotes/],
    ['{"a": True}', '1:7', /small letters/],
    ['{"a": 1} x', '1:10', /nothing more|value/],
    ['{"a": 1 "b": 2}', '1:9', /comma/],
    ['{"a" 1}', '1:6', /colon/],
    ['{"a": "x\n"}', '1:7', /does not end/],
    ['// no\n{}', '1:1', /comments/],
    ['{"a": \'x\'}', '1:7', /double quotes/],
    ['\uFEFF{}', '1:1', /byte order mark/],
    ['{"a": [1, 2}', '1:12', /bracket|comma/],
  ];
  for (const [source, position, words] of cases) {
    const fault = syntaxFault(source, 'config.json');
    t.equal(`${fault?.location.line}:${fault?.location.column}`, position, JSON.stringify(source));
    t.match(fault?.words, words, JSON.stringify(source));
  }
  t.equal(syntaxFault('{"a": [1, 2]}', 'config.json'), undefined);
});

t.test('control characters are escaped', async (t) => {
  t.equal(printable('a\x1b[31m\x7f\x9f\n\u2028é'), 'a\\u001b[31m\\u007f\\u009f\\u000a\\u2028é');
});
