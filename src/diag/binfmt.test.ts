import t from 'tap';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { hasInterpreter } from './binfmt.ts';

const emulator = 'interpreter /usr/bin/qemu\nflags: F\noffset 0\nmagic 7f454c4602b7\nmask ffffffff00ff\n';

function hostWith(entries: Readonly<Record<string, string>>): Native {
  const native: Partial<Native> = {
    readDirectory: () => ['register', 'status', ...Object.keys(entries), ''].join('\0'),
    readText: (path) => entries[path.slice(path.lastIndexOf('/') + 1)] ?? -ENOENT,
  };
  return native as Native;
}

t.test('hasInterpreter: by magic number, by extension', async (t) => {
  const host = hostWith({ qemu: `enabled\n${emulator}`, jar: 'enabled\ninterpreter /j\nextension .jar\n' });
  t.ok(hasInterpreter(host, '/x', '\x7fELF\x01\ufffd'), 'a byte that was replaced may be the right one');
  t.notOk(hasInterpreter(host, '/x', '\x7fELF\x02\x28'));
  t.ok(hasInterpreter(host, '/x.jar', 'PK'));
  t.notOk(hasInterpreter(hostWith({ qemu: `disabled\n${emulator}` }), '/x', '\x7fELF\x02\ufffd'));
  t.notOk(hasInterpreter({ readDirectory: () => -ENOENT } as unknown as Native, '/x', ''), 'it is not there');
});
