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

t.test('deviceThread: the first thread of the kernel in a mount namespace with a devtmpfs only', async (t) => {
  const { native } = new FakeHost();
  const line = '7 6 0:6 / / rw - devtmpfs devtmpfs rw\n';
  const found = (
    pid: number,
    mounts: string,
    { online = '0-1\n', pids = 'pid:[4026531836]' } = {},
  ): string | undefined => {
    const links: Record<string, string> = { '/proc/self/ns/pid': pids, [`/proc/${pid}/ns/mnt`]: 'mnt:[2]' };
    const texts: Record<string, string> = {
      '/sys/devices/system/cpu/online': online,
      [`/proc/${pid}/mountinfo`]: mounts,
    };
    return readFacts({
      ...native,
      readLink: (path) => links[path] ?? 'mnt:[1]',
      readText: (path) => texts[path] ?? -ENOENT,
    }).deviceThread;
  };
  t.equal(found(25, line), '/proc/25');
  t.equal(found(5, line), '/proc/5', 'fewer threads than usual');
  t.equal(found(800, line, { online: '0-127\n' }), '/proc/800');
  t.equal(found(25, line, { online: '\n' }), '/proc/25');
  t.equal(found(25, line + line), undefined, 'there is more');
  t.equal(found(25, line.replaceAll('devtmpfs', 'tmpfs')), undefined);
  t.equal(found(25, line, { pids: 'pid:[4026532190]' }), undefined, 'another pid namespace');
  t.equal(found(99_999, line), undefined);
});
