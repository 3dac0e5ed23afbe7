import t from 'tap';
import { byteText, decodeMessage, encodeMessage, messagesOf, numberOf, numbersOf, textOf } from './protobuf.ts';

t.test('encodeMessage writes the examples of the protocol buffers documentation', async (t) => {
  t.strictSame([...encodeMessage([[1, 150]])], [0x08, 0x96, 0x01]);
  t.strictSame([...encodeMessage([[2, 'testing']])], [0x12, 0x07, ...Buffer.from('testing')]);
  t.strictSame([...encodeMessage([[3, encodeMessage([[1, 150]])]])], [0x1a, 0x03, 0x08, 0x96, 0x01]);
  t.strictSame([...encodeMessage([[20, true]])], [0xa0, 0x01, 0x01]);
  t.strictSame([...encodeMessage([[1, 'größe 🐳']])].slice(2), [...Buffer.from('größe 🐳')]);
});

t.test('decodeMessage returns the encoded fields', async (t) => {
  const inner = encodeMessage([
    [1, 0xffff_ffff],
    [1, 7],
  ]);
  const message = decodeMessage(
    encodeMessage([
      [1, 2 ** 31 + 1],
      [2, 'größe'],
      [3, inner],
      [4, Uint8Array.from([1, 0x80, 1])],
    ]),
  );
  if (message === undefined) throw new Error('not a message');
  t.equal(numberOf(message, 1), 2 ** 31 + 1);
  t.equal(textOf(message, 2), byteText('größe'));
  t.strictSame(
    messagesOf(message, 3).map((each) => [numberOf(each, 1), numbersOf(each, 1)]),
    [[7, [0xffff_ffff, 7]]],
    'the last one counts',
  );
  t.strictSame(numbersOf(message, 4), [1, 128], 'packed');
  t.equal(numberOf(message, 2), undefined);
});

t.test('decodeMessage refuses truncated data', async (t) => {
  for (const bytes of [[0x08], [0x12, 0x05, 0x41], [0x09, 1, 2], [0x0b], Array<number>(20).fill(0xff)]) {
    t.equal(decodeMessage(Uint8Array.from(bytes)), undefined, String(bytes));
  }
});

t.test('numbersOf refuses a truncated packed number', async (t) => {
  const message = decodeMessage(encodeMessage([[4, Uint8Array.from([1, 0x80])]]));
  t.equal(message === undefined ? [] : numbersOf(message, 4), undefined);
});
