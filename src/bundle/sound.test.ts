import t from 'tap';
import { checkConfigText } from './load.ts';
import { soundPart } from './sound.ts';

function sound(value: unknown): ReturnType<typeof soundPart> {
  const checked = checkConfigText(JSON.stringify(value), 'config.json');
  return soundPart(checked.value, checked.faults);
}

t.test('each member, mount, hook and namespace without a fault is kept, at its place', async (t) => {
  const found = sound({
    ociVersion: '1.3.0',
    root: { path: '' },
    process: { cwd: '/', arg: ['x'], rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] },
    mounts: [{ source: 'x' }, { destination: '/a', type: 'tmpfs' }],
    hooks: { poststop: [{ path: 'x' }, { path: '/x' }] },
    linux: {
      namespaces: [{ type: 'pid' }, { type: 'nosuch' }],
      sysctl: { 'net.a': 1 },
      resources: { cpu: { quota: 'x' }, memory: { limit: 1 } },
    },
  });
  t.strictSame(found?.config, {
    ociVersion: '1.3.0',
    process: { cwd: '/', arg: ['x'] },
    mounts: [null, { destination: '/a', type: 'tmpfs' }],
    hooks: { poststop: [null, { path: '/x' }] },
    linux: { namespaces: [{ type: 'pid' }, null], sysctl: {}, resources: { memory: { limit: 1 } } },
  });
  t.strictSame(
    new Set(found?.left),
    new Set([
      '/root',
      '/process/args',
      '/process/rlimits',
      '/mounts/0',
      '/hooks/poststop/0',
      '/linux/namespaces/1',
      '/linux/sysctl/net.a',
      '/linux/resources/cpu',
    ]),
  );
});

t.test('a document that is no config has no sound part', async (t) => {
  t.equal(sound([]), undefined);
  t.equal(sound({ services: {} }), undefined);
});
