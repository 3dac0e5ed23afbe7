import t from 'tap';
import type { Diagnostic } from './diagnostic.ts';
import { detailsOf, renderLine, renderRecord, renderText } from './render.ts';

const mountFault: Diagnostic = {
  code: 'mount.source',
  message: 'cannot mount "/data" on "/srv": no such file or directory (open_tree)',
  pointer: '/mounts/3/source',
  location: { file: 'config.json', line: 41, column: 7 },
  hint: 'the bind source does not exist on the host',
};
const plain: Diagnostic = { code: 'internal', message: 'container does not exist: "c1"' };

t.test('renderText gives each diagnostic its place and hint', async (t) => {
  t.equal(
    renderText('error', [mountFault, plain]),
    'rt: cannot mount "/data" on "/srv": no such file or directory (open_tree)\n' +
      '  config.json:41:7  /mounts/3/source\n' +
      '  hint: the bind source does not exist on the host\n' +
      'rt: container does not exist: "c1"\n',
  );
  t.equal(renderText('error', [{ code: 'internal', message: 'm', pointer: '--no-pivot' }]), 'rt: m\n  --no-pivot\n');
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
  t.equal(renderLine([{ code: 'internal', message: 'a\nb' }]), 'a\\u000ab');
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
  const hostile: Diagnostic = { code: 'internal', message: 'm\x1b[2J', pointer: '/annotations/a\nb', hint: 'h\x9b' };
  t.equal(renderText('error', [hostile]), 'rt: m\\u001b[2J\n  /annotations/a\\u000ab\n  hint: h\\u009b\n');
  t.equal(renderLine([hostile]), 'm\\u001b[2J (/annotations/a\\u000ab) [hint: h\\u009b]');
});

t.test('lines of another program are kept: indented in text, escaped once in JSON', async (t) => {
  const failed: Diagnostic = {
    code: 'hook.failed',
    message: 'hook #0 "a\nb": exit status 1',
    output: ', stderr: one\ntwo\x1b',
  };
  t.equal(renderText('error', [failed]), 'rt: hook #0 "a\\u000ab": exit status 1, stderr: one\n    two\\u001b\n');
  const record = renderRecord('json', 'error', renderLine([failed]), [0]);
  t.equal(record.split('\n').length, 2, 'one line');
  t.equal((JSON.parse(record) as { msg: string }).msg, 'hook #0 "a\\u000ab": exit status 1, stderr: one\ntwo\\u001b');
  t.equal(renderRecord('text', 'error', 'a\nb', [0]).split('\n').length, 2, 'one line');
});

t.test('the details of a record are those of the first diagnostic, and the others in a list', async (t) => {
  const errno: Diagnostic = {
    code: 'op.mount_bind',
    message: 'm',
    phase: 'create',
    errno: 'ENOENT',
    syscall: 'open_tree',
  };
  t.strictSame(detailsOf([mountFault, errno], 'c1'), {
    code: 'mount.source',
    pointer: '/mounts/3/source',
    file: 'config.json',
    line: 41,
    column: 7,
    hint: 'the bind source does not exist on the host',
    id: 'c1',
    others: [{ msg: 'm', code: 'op.mount_bind', phase: 'create', errno: 'ENOENT', syscall: 'open_tree' }],
  });
  t.strictSame(detailsOf([plain], undefined), { code: 'internal' });
});

t.test('a record keeps level, msg and time before its details', async (t) => {
  const record = renderRecord('json', 'error', 'm', [0], detailsOf([plain], 'a\u2028\x1b'));
  t.equal(
    record,
    '{"level":"error","msg":"m","time":"1970-01-01T00:00:00Z","code":"internal","id":"a\\u2028\\u001b"}\n',
  );
});
