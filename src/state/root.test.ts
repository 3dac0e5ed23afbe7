import t from 'tap';
import { FakeHost } from '../../test/fake-host.ts';
import { stateRoot } from './root.ts';

const userNamespaceMap = '         0       1000          1\n';
const hostMap = '         0          0 4294967295\n';

t.test('stateRoot prefers --root', async (t) => {
  const host = new FakeHost();
  host.environment.set('XDG_RUNTIME_DIR', '/run/user/0');
  t.same(stateRoot(host.native, '/r/'), { path: '/r', sticky: false, explicit: true });
  t.equal(stateRoot(host.native, 'r').path, '/work/r');
  t.equal(stateRoot(host.native, './a/../r//').path, '/work/r');
  for (const path of ['/', '//', '/..', '/a/..']) {
    t.throws(() => stateRoot(host.native, path), { message: 'Option --root argument should not be set to /' }, path);
  }
});

t.test('stateRoot uses XDG_RUNTIME_DIR for all users but root of the host', async (t) => {
  const cases: [uid: number, xdg: string | undefined, user: string | undefined, map: string, path: string][] = [
    [0, undefined, undefined, hostMap, '/run/rt'],
    [0, '', undefined, userNamespaceMap, '/run/rt'],
    [0, '/run/user/0', 'root', hostMap, '/run/rt'],
    [0, '/run/user/0', undefined, hostMap, '/run/rt'],
    [0, '/run/user/0', 'root', userNamespaceMap, '/run/rt'],
    [0, '/run/user/1000', 'me', userNamespaceMap, '/run/user/1000/rt'],
    [0, '/run/user/1000', undefined, userNamespaceMap, '/run/user/1000/rt'],
    [1000, '/run/user/1000', 'me', hostMap, '/run/user/1000/rt'],
    [1000, undefined, 'me', hostMap, '/run/rt'],
  ];
  for (const [uid, xdg, user, map, path] of cases) {
    const host = new FakeHost();
    host.uid = uid;
    if (xdg !== undefined) host.environment.set('XDG_RUNTIME_DIR', xdg);
    if (user !== undefined) host.environment.set('USER', user);
    host.files.set('/proc/self/uid_map', map);
    t.equal(stateRoot(host.native, undefined).path, path, JSON.stringify([uid, xdg, user, map.trim()]));
  }
});
