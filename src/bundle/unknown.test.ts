import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { unknownMembers } from './unknown.ts';

const told = (config: unknown): string[] =>
  unknownMembers(config).map(({ pointer, hint }) => `${pointer}${hint === undefined ? '' : `: ${hint}`}`);

t.test('members that the specification does not have, and what may be meant', async (t) => {
  t.strictSame(
    told({
      ociVersion: '1.3.0',
      process: { rlimit: [], user: { UID: 0 }, cwd: '/', commandline: 'x', toString: 1 },
      mounts: [{ destination: '/a' }, { destination: '/b', sources: 'c', 'a/b': 1 }],
      linux: { resources: { cpu: { share: 2, quotas: 1, nothing: 3 } }, deviecs: [] },
      hook: {},
    }),
    [
      '/process/rlimit: rlimits may be meant',
      '/process/user/UID: uid may be meant',
      '/process/commandline: commandLine may be meant',
      '/process/toString',
      '/mounts/1/sources: source may be meant',
      '/mounts/1/a~1b',
      '/linux/resources/cpu/share: shares may be meant',
      '/linux/resources/cpu/quotas: quota may be meant',
      '/linux/resources/cpu/nothing',
      '/linux/deviecs: devices may be meant',
      '/hook: hooks may be meant',
    ],
  );
});

t.test('names of maps are free, what is in their values is not', async (t) => {
  t.strictSame(
    told({
      annotations: { any: 'x' },
      linux: { sysctl: { 'net.a': '1' }, resources: { rdma: { mlx5: { hcaHandle: 1 } }, unified: { a: 'b' } } },
    }),
    ['/linux/resources/rdma/mlx5/hcaHandle: hcaHandles may be meant'],
  );
});

t.test('values of the wrong type have no members', async (t) => {
  t.strictSame(told({ process: 7, mounts: {}, linux: [{ resources: {} }], hostname: { a: 1 } }), []);
  t.strictSame(told([{ process: 1 }]), []);
});

t.test('configs of engines have none', async (t) => {
  const folder = new URL('../../conformance/configs/', import.meta.url);
  for (const name of readdirSync(folder)) {
    t.strictSame(told(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))), [], name);
  }
});
