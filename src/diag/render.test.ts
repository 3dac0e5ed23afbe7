import t from 'tap';
import type { Diagnostic } from './diagnostic.ts';
import { renderLine, renderRecord, renderText } from './render.ts';

const mountFault: Diagnostic = {
  code: 'mount.source',
  message: 'cannot mount "/data" on "/srv": no such file or directory (open_tree)',
  pointer: '/mounts/3/source',
  location: { file: 'config.json', line: 41, column: 7 },
  hint: 'the bind source does not exist on the host',
};
const plain: Diagnostic = { code: 'x', message: 'container does not exist: "c1"' };

t.test('renderText gives each diagnostic its place and hint', async (t) => {
  t.equal(
    renderText('error', [mountFault, plain]),
    'rt: cannot mount "/data" on "/srv": no such file or directory (open_tree)\n' +
      '  config.json:41:7  /mounts/3/source\n' +
      '  hint: the bind source does not exist on the host\n' +
      'rt: container does not exist: "c1"\n',
  );
  t.equal(renderText('error', [{ code: 'x', message: 'm', pointer: '--no-pivot' }]), 'rt: m\n  --no-pivot\n');
});

t.test('renderText marks messages that are not errors', async (t) => {
  t.equal(renderText('warning', [plain, plain]), `rt: warning: ${plain.message}\n`.repeat(2));
});

t.test('renderLine puts everything on one line', async (t) => {
  t.equal(
    renderLine([mountFault, plain]),
    'cannot mount "/data" on "/srv": no such file or directory (open_tree) (config.json:41:7 /mounts/3/source)' +
      ' [hint: the bind source does not exist on the host]; container does not exist: "c1"',
  );
  t.equal(renderLine([{ code: 'x', message: 'a\nb' }]), 'a\\u000ab');
});

t.test('renderRecord makes one JSON object with a time that Go reads', async (t) => {
  const record = renderRecord('json', 'error', 'a "b"', [1_700_000_000, 5]);
  t.equal(record, '{"level":"error","msg":"a \\"b\\"","time":"2023-11-14T22:13:20Z"}\n');
});

t.test('renderRecord quotes text when needed', async (t) => {
  t.equal(renderRecord('text', 'error', 'a "b"', [0]), 'time="1970-01-01T00:00:00Z" level=error msg="a \\"b\\""\n');
  t.equal(renderRecord('text', 'debug', 'plain', [0]), 'time="1970-01-01T00:00:00Z" level=debug msg=plain\n');
});

t.test('renderText and renderLine escape characters that would control a terminal', async (t) => {
  const hostile: Diagnostic = { code: 'x', message: 'm\x1b[2J', pointer: '/annotations/a\nb', hint: 'h\x9b' };
  t.equal(renderText('error', [hostile]), 'rt: m\\u001b[2J\n  /annotations/a\\u000ab\n  hint: h\\u009b\n');
  t.equal(renderLine([hostile]), 'm\\u001b[2J (/annotations/a\\u000ab) [hint: h\\u009b]');
});
