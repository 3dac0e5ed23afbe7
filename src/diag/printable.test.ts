import t from 'tap';
import { printable, printableLines } from './printable.ts';

const hostile = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index),
  ...[0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
].map((code) => String.fromCharCode(code));

t.test('no character that a terminal acts on is left, and other text is unchanged', async (t) => {
  for (const one of hostile) {
    const code = one.charCodeAt(0).toString(16).padStart(4, '0');
    t.equal(printable(`a${one}b`), `a\\u${code}b`);
    if (one !== '\n' && one !== '\t') t.equal(printableLines(`a${one}b`), `a\\u${code}b`);
  }
  for (const text of ['', ' ~', 'äöü ñ', '日本語', '😀', 'שלום', '\u00a0', '\u202f', '\u2065', '\u206a']) {
    t.equal(printable(text), text);
    t.equal(printableLines(text), text);
  }
  t.equal(printableLines('a\tb\nc\n'), 'a\tb\nc\n');
});

t.test('JSON keeps its value', async (t) => {
  const value = { [hostile.join('')]: hostile, text: 'ä😀' };
  for (const indent of [0, 2]) t.same(JSON.parse(printableLines(JSON.stringify(value, null, indent))), value);
});
