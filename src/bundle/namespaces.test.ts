import t from 'tap';
import type { LinuxNamespace } from '../../schema/generated/config.ts';
import { hasNamespace, isNew, joinedPath, namespacePointer } from './namespaces.ts';

/** What is known of the network namespace of a container with these namespaces: [has it, is it new, path]. */
function network(...namespaces: LinuxNamespace[]): unknown[] {
  const config = { ociVersion: '1.3.0', linux: { namespaces } };
  return [hasNamespace(config, 'network'), isNew(config, 'network'), joinedPath(config, 'network')];
}

t.test('a namespace is the runtime’s, new or joined by path', async (t) => {
  t.strictSame(network(), [false, false, undefined]);
  t.strictSame(network({ type: 'ipc', path: '/proc/1/ns/ipc' }), [false, false, undefined]);
  t.strictSame(network({ type: 'network' }), [true, true, undefined]);
  t.strictSame(network({ type: 'ipc' }, { type: 'network', path: '' }), [true, true, undefined]);
  t.strictSame(network({ type: 'network', path: '/proc/1/ns/net' }), [true, false, '/proc/1/ns/net']);
  t.equal(hasNamespace({ ociVersion: '1.3.0' }, 'network'), false);
});

t.test('namespacePointer leads to the entry of the type', async (t) => {
  const namespaces: LinuxNamespace[] = [{ type: 'ipc' }, { type: 'network' }];
  t.equal(namespacePointer({ ociVersion: '1.3.0', linux: { namespaces } }, 'network'), '/linux/namespaces/1');
});
