import t from 'tap';
import { normalizePath } from './path.ts';

t.test('normalizePath: never leaves the root', async (t) => {
  t.equal(normalizePath('/a/./b//c/../d/'), '/a/b/d');
  t.equal(normalizePath('/../../x'), '/x');
  t.equal(normalizePath('x'), '/x');
  for (const root of ['/', '', '.', '//', '/.', '/a/..']) t.equal(normalizePath(root), '/', root);
  t.equal(normalizePath('/a/.b/..c'), '/a/.b/..c');
});
