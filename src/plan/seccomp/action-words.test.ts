import t from 'tap';
import { actionWords, nameOfReturn } from './action-words.ts';

t.test('nameOfReturn: all actions', (t) => {
  const values = [0x8000_0000, 0, 0x3_0000, 0x5_0001, 0x7fc0_0000, 0x7ff0_0007, 0x7ffc_0000, 0x7fff_0000, 0x6_0000];
  t.same(values.map(nameOfReturn), [
    'KILL_PROCESS',
    'KILL_THREAD',
    'TRAP',
    'ERRNO(1)',
    'NOTIFY',
    'TRACE(7)',
    'LOG',
    'ALLOW',
    '0x60000',
  ]);
  t.end();
});

t.test('actionWords: what happens to the call', (t) => {
  t.equal(actionWords(0x5_0001), 'fails with EPERM (operation not permitted)');
  t.equal(actionWords(0x5_0000), 'is not made, but returns 0');
  t.equal(actionWords(0x7fff_0000), 'is allowed');
  t.equal(actionWords(0x6_0000), 'ends its process with SIGSYS', 'an unknown one');
  t.end();
});
