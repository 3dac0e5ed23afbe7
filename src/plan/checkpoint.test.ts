import t from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import { checkpointFaults } from './checkpoint.ts';

function refused(change: Partial<Config>, linux: Partial<NonNullable<Config['linux']>>): (string | undefined)[] {
  const namespaces = [{ type: 'pid' }, { type: 'mount' }] as const;
  const config = { ociVersion: '1.3.0', ...change, linux: { namespaces: [...namespaces], ...linux } };
  return checkpointFaults(config).map(({ pointer }) => pointer);
}

t.test('checkpointFaults: system calls that are watched, by the field or by the annotation', async (t) => {
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' } as const;
  const annotations = { 'run.oci.seccomp.receiver': '/s' };
  t.strictSame(refused({}, { seccomp }), []);
  t.strictSame(refused({}, { seccomp: { ...seccomp, listenerPath: '/s' } }), ['/linux/seccomp/listenerPath']);
  t.strictSame(refused({ annotations }, { seccomp }), ['/annotations/run.oci.seccomp.receiver']);
  t.strictSame(refused({ annotations }, {}), [], 'there is no filter to watch by');
});
