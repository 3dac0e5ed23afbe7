import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { likelyMistakes, unknownMembers } from './unknown.ts';

const found = (config: unknown): string[] =>
  unknownMembers(config).map(({ pointer, hint }) => `${pointer}${hint === undefined ? '' : `: ${hint}`}`);

t.test('members that the specification does not define, with suggestions', async (t) => {
  t.strictSame(
    found({
      ociVersion: '1.3.0',
      process: { rlimit: [], user: { UID: 0 }, cwd: '/', commandline: 'x', toString: 1 },
      mounts: [{ destination: '/a' }, { destination: '/b', sources: 'c', 'a/b': 1 }],
      linux: { resources: { cpu: { share: 2, quotas: 1, nothing: 3 } }, deviecs: [] },
      hook: {},
    }),
    [
      '/process/rlimit: did you mean rlimits?',
      '/process/user/UID: did you mean uid?',
      '/process/commandline: did you mean commandLine?',
      '/process/toString',
      '/mounts/1/sources: did you mean source?',
      '/mounts/1/a~1b',
      '/linux/resources/cpu/share: did you mean shares?',
      '/linux/resources/cpu/quotas: did you mean quota?',
      '/linux/resources/cpu/nothing',
      '/linux/deviecs: did you mean devices?',
      '/hook: did you mean hooks?',
    ],
  );
});

t.test('a member in a wrong place, with where it is defined', async (t) => {
  t.strictSame(
    found({
      seccomp: {},
      capabilities: {},
      type: 'bind',
      devices: [],
      process: { resources: {}, annotations: {}, path: '/' },
      linux: { memory: {}, noNewPrivileges: true, priority: 1, storage: {}, resources: { shares: 2, limit: 3 } },
      mounts: [{ destination: '/a', readOnly: true, propagation: 'slave', memory: 1 }],
    }),
    [
      '/seccomp: did you mean linux.seccomp?',
      '/capabilities: did you mean process.capabilities?',
      '/type',
      '/devices: did you mean linux.devices or linux.resources.devices?',
      '/process/resources: did you mean linux.resources?',
      '/process/annotations: did you mean annotations?',
      '/process/path: did you mean root.path?',
      '/linux/memory: did you mean linux.resources.memory?',
      '/linux/noNewPrivileges: did you mean process.noNewPrivileges?',
      '/linux/priority: did you mean process.scheduler.priority or process.ioPriority.priority?',
      '/linux/storage',
      '/linux/resources/shares: did you mean linux.resources.cpu.shares?',
      '/linux/resources/limit: did you mean linux.resources.memory.limit or linux.resources.pids.limit?',
      '/mounts/0/readOnly: write "ro" in options',
      '/mounts/0/propagation: write it in options, as rslave',
      '/mounts/0/memory',
    ],
  );
  t.match(
    likelyMistakes({ limit: 1, seccomp: {} }, '/linux/resources').map(({ pointer, hint }) => [pointer, hint]),
    [['/linux/resources/limit', 'did you mean linux.resources.memory.limit or linux.resources.pids.limit?']],
    'only within the document',
  );
});

t.test('likely mistakes differ in case or in a letter or two', async (t) => {
  const config = {
    root: { readOnly: true, myOwn: 1 },
    hooks: { preStart: [] },
    process: { capabilites: {} },
    linux: { maskedPath: [], vendor: 1 },
  };
  t.strictSame(
    likelyMistakes(config).map(({ pointer }) => pointer),
    ['/root/readOnly', '/hooks/preStart', '/process/capabilites', '/linux/maskedPath'],
  );
  t.match(likelyMistakes({ memroy: {}, cpu: { share: 1, x: 1 } }, '/linux/resources'), [
    { pointer: '/linux/resources/memroy', hint: 'did you mean memory?' },
    { pointer: '/linux/resources/cpu/share' },
  ]);
});

t.test('a member may have any name', async (t) => {
  const nested = JSON.parse('{"linux": {"__proto__": {"__proto__": {}}, "constructor": {"name": 1}}}') as unknown;
  t.strictSame(found(nested), ['/linux/__proto__', '/linux/constructor']);
  t.strictSame(likelyMistakes(nested), []);
  const annotations = JSON.parse('{"annotations": {"__proto__": "x"}, "memroy": 1}') as unknown;
  t.strictSame(likelyMistakes(annotations), []);
});

t.test('the member names of maps are free, those of their values are not', async (t) => {
  t.strictSame(
    found({
      annotations: { any: 'x' },
      linux: { sysctl: { 'net.a': '1' }, resources: { rdma: { mlx5: { hcaHandle: 1 } }, unified: { a: 'b' } } },
    }),
    ['/linux/resources/rdma/mlx5/hcaHandle: did you mean hcaHandles?'],
  );
});

t.test('a reference to the schema is for editors', async (t) => {
  t.strictSame(found({ $schema: 'x', process: { $schema: 'x' } }), ['/process/$schema']);
});

t.test('values of the wrong type have no members', async (t) => {
  t.strictSame(found({ process: 7, mounts: {}, linux: [{ resources: {} }], hostname: { a: 1 } }), []);
  t.strictSame(found([{ process: 1 }]), []);
});

t.test('configs of engines have none', async (t) => {
  const folder = new URL('../../conformance/configs/', import.meta.url);
  for (const name of readdirSync(folder)) {
    t.strictSame(found(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))), [], name);
  }
});
