import t from 'tap';
import { unsupportedFaults } from './unsupported.ts';

function pointers(config: object): (string | undefined)[] {
  return unsupportedFaults({ ociVersion: '1.3.0', ...config }).map(({ pointer }) => pointer);
}

t.test('what asks for something that is not supported is named', async (t) => {
  const process = {
    cwd: '/',
    commandLine: 'x',
  };
  t.strictSame(pointers({ process }), ['/process/commandLine']);
  const map = [{ containerID: 0, hostID: 0, size: 1 }];
  const linux = {
    namespaces: [{ type: 'pid' }, { type: 'user' }, { type: 'time' }],
    uidMappings: map,
    gidMappings: map,
    timeOffsets: { monotonic: {} },
    mountLabel: 'x',
  };
  t.strictSame(
    pointers({ linux })
      .map((pointer) => pointer?.slice('/linux/'.length))
      .sort(),
    ['gidMappings', 'mountLabel', 'namespaces/1', 'namespaces/2', 'timeOffsets', 'uidMappings'],
  );
  t.strictSame(pointers({ mounts: [{ options: ['ro', 'idmap', 'ridmap=x', 'tmpcopyup'], uidMappings: map }] }), [
    '/mounts/0/uidMappings',
    '/mounts/0/options/1',
    '/mounts/0/options/2',
    '/mounts/0/options/3',
  ]);
  t.strictSame(pointers({ windows: {}, vm: {} }), ['/windows', '/vm']);
});

t.test('values that ask for nothing are accepted', async (t) => {
  const config = {
    process: { cwd: '/', terminal: false, apparmorProfile: '', selinuxLabel: '', consoleSize: { height: 1, width: 1 } },
    mounts: [{ destination: '/a', uidMappings: [], options: ['rbind'] }],
    linux: {
      uidMappings: [],
      timeOffsets: {},
      mountLabel: '',
    },
    unknown: { constructor: 1 },
  };
  t.strictSame(pointers(config), []);
});
