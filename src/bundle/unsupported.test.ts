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
  const linux = {
    resources: {
      blockIO: { weight: 10 },
      hugepageLimits: [{}],
      network: { classID: 1 },
      rdma: { x: {} },
      unified: { 'a.b': '1' },
      memory: { kernel: 1, kernelTCP: -1, limit: 5, swappiness: 10 },
      cpu: { realtimeRuntime: 1, realtimePeriod: 1n, shares: 2 },
    },
  };
  t.strictSame(
    pointers({ linux })
      .map((pointer) => pointer?.slice('/linux/'.length))
      .sort(),
    [
      'resources/blockIO',
      'resources/cpu/realtimePeriod',
      'resources/cpu/realtimeRuntime',
      'resources/hugepageLimits',
      'resources/memory/kernel',
      'resources/memory/kernelTCP',
      'resources/network',
      'resources/rdma',
      'resources/unified',
    ],
  );
  t.strictSame(pointers({ windows: {}, vm: {} }), ['/windows', '/vm']);
});

t.test('values that ask for nothing are accepted', async (t) => {
  const config = {
    process: { cwd: '/', terminal: false, apparmorProfile: '', selinuxLabel: '', consoleSize: { height: 1, width: 1 } },
    linux: {
      resources: { hugepageLimits: [], rdma: {}, memory: { kernel: 0 }, cpu: { realtimePeriod: 0 } },
    },
    unknown: { constructor: 1 },
  };
  t.strictSame(pointers(config), []);
});
