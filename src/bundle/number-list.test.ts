import t from 'tap';
import { parseNumberList } from './number-list.ts';

function bits(text: string): number[] {
  const list = parseNumberList(text, 8191);
  if ('fault' in list) throw new Error(list.fault);
  return [...list.bits];
}

t.test('parseNumberList: bits of the numbers, in multiples of eight bytes', async (t) => {
  t.strictSame(bits('0-3,7'), [0x8f, 0, 0, 0, 0, 0, 0, 0]);
  t.strictSame(bits('64'), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  t.strictSame(bits(' 1 , 3 - 4,'), [0x1a, 0, 0, 0, 0, 0, 0, 0]);
  t.strictSame(bits('63'), [0, 0, 0, 0, 0, 0, 0, 0x80]);
  t.strictSame(bits(''), []);
  t.equal(bits('8191').length, 1024);
});

t.test('parseNumberList: invalid lists', async (t) => {
  for (const [text, words] of [
    ['x', /"x" is neither a number nor a range/],
    ['-1', /neither/],
    ['1-', /neither/],
    ['1-2-3', /neither/],
    ['0x1', /neither/],
    ['3-1', /backwards/],
    ['8192', /8192 is more than 8191/],
    ['1-99999999999999999999', /more than 8191/],
  ] as const) {
    const list = parseNumberList(text, 8191);
    t.match('fault' in list ? list.fault : '', words, text);
  }
});
