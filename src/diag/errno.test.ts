import { constants } from 'node:os';
import t from 'tap';
import { errnoName, errnoText } from './errno.ts';

t.test('errnoName knows every number that Node knows', async (t) => {
  const aliases = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP']);
  for (const [name, errno] of Object.entries(constants.errno)) {
    if (!aliases.has(name)) t.equal(errnoName(errno), name);
  }
});

t.test('errnoText gives the text of strerror in lower case', async (t) => {
  t.equal(errnoText(2), 'no such file or directory');
  t.equal(errnoText(40), 'too many levels of symbolic links');
  for (let errno = 1; errno <= 133; errno++) {
    if (errno !== 41 && errno !== 58) t.notMatch(errnoText(errno), /^unknown error/, String(errno));
  }
});

t.test('numbers beyond the table are still readable', async (t) => {
  t.equal(errnoName(999), 'E999');
  t.equal(errnoText(999), 'unknown error 999');
});
