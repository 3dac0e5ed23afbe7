import t from 'tap';
import {
  byteText,
  decodeMessage,
  encodeMessage,
  isTrue,
  messagesOf,
  numberOf,
  numbersOf,
  signedOf,
  textOf,
  wideOf,
  zigzagOf,
} from './protobuf.ts';

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

t.test('numbers with more bits than their field are those that a parser takes', async (t) => {
  // -900 and 2^53 + 3 as varints, which a number cannot hold exactly.
  const negative = [0xfc, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
  const wide = [0x83, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
  const message = decodeMessage(
    Uint8Array.from([0x08, ...negative, 0x10, ...wide, 0x18, 0x03, 0x20, 0x80, 0x80, 0x80, 0x80, 0x10]),
  );
  if (message === undefined) throw new Error('not a message');
  t.equal(signedOf(message, 1), -900);
  t.equal(numberOf(message, 2), 3);
  t.equal(wideOf(message, 2), 2n ** 53n + 3n);
  t.strictSame(numbersOf(message, 2), [3]);
  t.equal(zigzagOf(message, 3), -2);
  t.equal(numberOf(message, 4), 0);
  t.ok(isTrue(message, 4), 'any bit counts');
  t.notOk(isTrue(message, 5));
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
