import { constants } from 'node:os';
import t from 'tap';
import { parseSignal } from './signal.ts';

t.test('parseSignal knows every signal of the host by name', async (t) => {
  for (const [name, number] of Object.entries(constants.signals)) {
    t.equal(parseSignal(name), number, name);
    t.equal(parseSignal(name.slice(3).toLowerCase()), number, name.slice(3).toLowerCase());
  }
});

t.test('parseSignal knows numbers and real-time signals', async (t) => {
  t.equal(parseSignal('0'), 0);
  t.equal(parseSignal('9'), 9);
  t.equal(parseSignal('99'), 99);
  t.equal(parseSignal('4294967305'), 2 ** 31 - 1, 'not 9, its lower bits');
  t.equal(parseSignal('RTMIN'), 34);
  t.equal(parseSignal('SIGRTMIN+3'), 37);
  t.equal(parseSignal('sigrtmax-1'), 63);
});

t.test('parseSignal refuses an invalid signal', async (t) => {
  for (const text of ['FOO', '', 'SIG', '-9', '9x', 'RTMIN+31', 'RTMAX+1', 'RTMIN-1', 'SIGSIGKILL', 'constructor']) {
    t.throws(() => parseSignal(text), { message: `unknown signal ${JSON.stringify(text)}` }, text);
  }
});
