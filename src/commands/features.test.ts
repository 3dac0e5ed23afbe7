import { readFileSync } from 'node:fs';
import t from 'tap';
import { validateFeatures } from '../../schema/generated/validate-documents.js';
import { officialValidator, skipOfficial } from '../../schema/official.ts';
import { unsupportedFaults } from '../bundle/unsupported.ts';
import { loadNative } from '../host/node.ts';
import { parseMountOptions } from '../plan/mount-options.ts';
import { featuresOf } from './features.ts';

interface Schema {
  readonly $defs: Readonly<Record<string, { readonly enum?: string[]; readonly properties?: object }>>;
}

const found = featuresOf(loadNative());
const schema = JSON.parse(readFileSync(new URL('../../schema/config.schema.json', import.meta.url), 'utf8')) as Schema;

function isRefused(part: object): boolean {
  return unsupportedFaults({ ociVersion: '1.3.0', ...part }).length > 0;
}

t.test('features: what is printed fits our schema', async (t) => {
  t.equal(validateFeatures(found), null);
});

t.test('features: what is printed fits the official schema', { skip: skipOfficial }, async (t) => {
  const official = officialValidator('features');
  t.ok(official(found), JSON.stringify(official.errors));
});

t.test('features: every word of the schema is listed, or refused in a config', async (t) => {
  const linux = found.linux;
  const lists: readonly (readonly [string, readonly string[] | undefined, (word: string) => object])[] = [
    ['NamespaceType', linux?.namespaces, (type) => ({ linux: { namespaces: [{ type }] } })],
    ['SeccompAction', linux?.seccomp?.actions, (action) => ({ linux: { seccomp: { syscalls: [{ action }] } } })],
    ['SeccompOperator', linux?.seccomp?.operators, () => ({})],
    ['SeccompArch', linux?.seccomp?.archs, () => ({})],
    ['SeccompFlag', linux?.seccomp?.knownFlags, () => ({})],
    ['MemoryPolicyMode', linux?.memoryPolicy?.modes, (mode) => ({ linux: { memoryPolicy: { mode } } })],
    ['MemoryPolicyFlag', linux?.memoryPolicy?.flags, () => ({})],
  ];
  for (const [name, listed = [], part] of lists) {
    const words = schema.$defs[name]?.enum ?? [];
    t.ok(words.length > 0, name);
    for (const word of words) t.not(listed.includes(word), isRefused(part(word)), `${name} ${word}`);
    for (const word of listed) t.ok(words.includes(word), `${name} ${word} is a word of the schema`);
  }
  t.strictSame([...(found.hooks ?? [])].sort(), Object.keys(schema.$defs['Hooks']?.properties ?? {}).sort());
});

t.test('features: every mount option that is listed is one that the plan reads itself', async (t) => {
  const listed = found.mountOptions ?? [];
  for (const word of ['rro', 'ro', 'bind', 'rbind', 'nosuid', 'private', 'rslave']) t.ok(listed.includes(word), word);
  t.strictSame(listed, [...listed].sort());
  for (const word of listed) {
    const options = parseMountOptions([word], false, '/mounts/0', []);
    t.strictSame(options.data, [], `${word} is not passed on to the file system`);
    t.notOk(isRefused({ mounts: [{ destination: '/a', options: [word] }] }), `${word} is not refused`);
  }
});

t.test('features: sections agree with what a config may ask for', async (t) => {
  const { linux } = found;
  t.equal(linux?.netDevices?.enabled, !isRefused({ linux: { netDevices: { eth0: {} } } }));
  t.equal(linux?.intelRdt?.enabled, !isRefused({ linux: { intelRdt: { closID: 'x' } } }));
  t.equal(linux?.intelRdt?.schemata, !isRefused({ linux: { intelRdt: { schemata: ['MB:0=1'] } } }));
  t.equal(linux?.intelRdt?.monitoring, !isRefused({ linux: { intelRdt: { enableMonitoring: true } } }));
  t.equal(linux?.mountExtensions?.idmap?.enabled, found.mountOptions?.includes('idmap'));
  t.equal(linux?.capabilities?.length, 41);
  t.ok(found.potentiallyUnsafeConfigAnnotations?.includes('run.oci.seccomp.receiver'));
});
