import t from 'tap';
import { checkId } from './id.ts';

t.test('checkId accepts what engines use', async (t) => {
  for (const id of ['c1', '0', 'a'.repeat(64), 'a_b+c.d-e', 'x.', '_', 'a'.repeat(255)]) {
    t.doesNotThrow(() => checkId(id), id);
  }
});

t.test('checkId refuses what could leave the state root or break lines', async (t) => {
  t.throws(() => checkId(''), { message: 'container id cannot be empty' });
  for (const id of [
    '.',
    '..',
    '.a',
    'a/b',
    '../a',
    'a\nb',
    'a\n',
    'a b',
    'ä',
    'a\0',
    'a'.repeat(256),
    'a'.repeat(1025),
  ]) {
    t.throws(() => checkId(id), { message: /^invalid container ID format/ }, JSON.stringify(id));
  }
});
