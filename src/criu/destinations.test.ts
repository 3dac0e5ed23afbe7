import t from 'tap';
import type { Native } from '../host/native.ts';
import { EACCES, EINVAL } from '../kernel/errno.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import { withoutLinks } from './destinations.ts';

/** A host with only these symbolic links. */
function withLinks(links: Record<string, string | number>): Native {
  return { readLink: (path: string) => links[path] ?? -EINVAL } as unknown as Native;
}

const root: PlannedMount = { path: '/', kind: 'root', flags: 0 };
const bind = (path: string, source: string): PlannedMount => ({
  path,
  kind: 'bind',
  external: { key: source, source },
  flags: 0,
});
const paths = (native: Native, ...mounts: PlannedMount[]): string[] =>
  withoutLinks(native, '/r', [root, ...mounts]).map(({ path }) => path);

t.test('withoutLinks: links of the root filesystem, absolute, relative, and above the root', async (t) => {
  const native = withLinks({ '/r/var/run': '/run', '/r/etc/up': '../../../opt/./x', '/r/opt/x': 'y' });
  t.strictSame(paths(native, bind('/var/run/secrets', '/s'), bind('/etc/up/z', '/z'), bind('/plain', '/p')), [
    '/',
    '/run/secrets',
    '/opt/y/z',
    '/plain',
  ]);
});

t.test('withoutLinks: links in the source of an earlier mount, and none of a new filesystem', async (t) => {
  const native = withLinks({ '/s/in': 'there', '/r/data/in': '/wrong', '/r/tmp/in': '/wrong' });
  const tmp: PlannedMount = { path: '/tmp', kind: 'filesystem', type: 'tmpfs', flags: 0 };
  t.strictSame(paths(native, bind('/data', '/s'), bind('/data/in/x', '/x'), tmp, bind('/tmp/in/x', '/x')), [
    '/',
    '/data',
    '/data/there/x',
    '/tmp',
    '/tmp/in/x',
  ]);
});

t.test('withoutLinks: a cycle of links leaves the path unchanged; an unreadable link is an error', async (t) => {
  t.strictSame(paths(withLinks({ '/r/a': '/b', '/r/b': '/a' }), bind('/a/x', '/s')), ['/', '/a/x']);
  t.throws(() => paths(withLinks({ '/r/a': -EACCES }), bind('/a/x', '/s')), { message: /cannot read "\/r\/a"/ });
});
