import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { NamespaceType } from '../../schema/generated/config.ts';
import { loadNative } from '../host/node.ts';
import { checkHost } from './host.ts';

t.test('checkHost: a namespace path that leads to no namespace', async (t) => {
  // The address of a socket, and a path in a message, are short.
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'plain'), '');
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  const server = createServer().listen(join(dir, 'socket'));
  t.teardown(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const found = (type: NamespaceType, path: string): (string | undefined)[] => {
    const config = { ociVersion: '1.2.0', linux: { namespaces: [{ type, path }] } };
    return checkHost(loadNative(), { config, left: [] }, dir).against.flatMap(({ pointer, message }) => [
      pointer,
      message,
    ]);
  };
  for (const name of ['plain', 'fifo', 'socket', '.']) {
    const path = join(dir, name);
    t.strictSame(found('network', path), [
      '/linux/namespaces/0/path',
      `the network namespace "${path}" is not a namespace`,
    ]);
  }
  t.strictSame(found('network', '/proc/self/ns/net'), []);
  t.strictSame(found('mount', '/proc/self/ns/mnt'), []);
});
