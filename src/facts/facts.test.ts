import t from 'tap';
import { EINVAL, EMFILE, ENOENT } from '../kernel/errno.ts';
import { FakeHost } from '../../test/fake-host.ts';
import { readFacts } from './facts.ts';

t.test('linkAt: only what is no link, or is not there, is none', async (t) => {
  const { native } = new FakeHost();
  const answers: Record<string, string | number> = {
    '/link': 'target',
    '/file': -EINVAL,
    '/none': -ENOENT,
    '/bad': -EMFILE,
  };
  const { linkAt } = readFacts({ ...native, readLink: (path) => answers[path] ?? -ENOENT });
  t.equal(linkAt('/link'), 'target');
  t.equal(linkAt('/file'), undefined);
  t.equal(linkAt('/none'), undefined);
  t.throws(() => linkAt('/bad'), { message: 'cannot read link "/bad": too many open files (readlink)' });
});
