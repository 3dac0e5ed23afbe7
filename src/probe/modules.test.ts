import t from 'tap';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { isLoadable } from './modules.ts';

t.test('isLoadable: the kernel would load the module of a filesystem by itself', async (t) => {
  const aliases = 'alias fs_odd other\nalias fs-overlay overlay\nalias net-pf-10 ipv6\nalias fs-fuse-ctl fuse\n';
  const native: Partial<Native> = {
    kernel: () => '6.1.0-test\0x86_64\0',
    readText: (path) => (path === '/lib/modules/6.1.0-test/modules.alias' ? aliases : -ENOENT),
  };
  const has = (type: string): boolean => isLoadable(native as Native, type);
  t.ok(has('overlay'));
  t.ok(has('fuse_ctl'));
  t.notOk(has('over'));
  t.notOk(has('net-pf-10'));
});
