import t from 'tap';
import { unsupportedFaults } from './unsupported.ts';

function pointers(config: object): (string | undefined)[] {
  return unsupportedFaults({ ociVersion: '1.3.0', ...config }).map(({ pointer }) => pointer);
}

t.test('unsupported settings are named', async (t) => {
  const process = {
    cwd: '/',
    commandLine: 'x',
  };
  t.strictSame(pointers({ process }), ['/process/commandLine']);
  t.strictSame(pointers({ windows: {}, vm: {} }), ['/windows', '/vm']);
});

t.test('values without effect are accepted', async (t) => {
  const config = {
    process: { cwd: '/', terminal: false, apparmorProfile: '', selinuxLabel: '', consoleSize: { height: 1, width: 1 } },
    linux: {},
    unknown: { constructor: 1 },
  };
  t.strictSame(pointers(config), []);
});
