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

const elf = (...rest: number[]): Uint8Array => Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, ...rest);

t.test('hasInterpreter: by magic number, by extension', async (t) => {
  const host = hostWith({ qemu: `enabled\n${emulator}`, jar: 'enabled\ninterpreter /j\nextension .jar\n' });
  t.ok(hasInterpreter(host, '/x', elf(1, 0xb7)));
  t.notOk(hasInterpreter(host, '/x', elf(2, 0xf3)));
  t.notOk(hasInterpreter(host, '/x', elf(2)), 'it is too short');
  t.ok(hasInterpreter(host, '/x.jar', Uint8Array.of(0x50, 0x4b)));
  t.notOk(hasInterpreter(hostWith({ qemu: `disabled\n${emulator}` }), '/x', elf(2, 0xb7)));
  t.notOk(hasInterpreter({ readDirectory: () => -ENOENT } as unknown as Native, '/x', elf()), 'it is not there');
});
