import t from 'tap';
import { version, versionText } from './version.ts';

t.test('versionText has the word version in its first line only', async (t) => {
  const [first, ...others] = versionText().trimEnd().split('\n');
  t.equal(first, `rt version ${version}`);
  t.notMatch(others.join('\n'), /version/);
  t.match(others[0], /^commit: \S+$/);
  t.equal(others[1], 'spec: 1.3.0');
});
