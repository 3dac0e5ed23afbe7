import { readFileSync } from 'node:fs';
import t from 'tap';
import { validateFeatures } from '../../schema/generated/validate-documents.js';
import { officialValidator, skipOfficial } from '../../schema/official.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { loadNative } from '../host/node.ts';
import { parseMountOptions } from '../plan/mount-options.ts';
import { featuresOf } from './features.ts';

interface Schema {
  readonly $defs: Readonly<Record<string, { readonly enum?: string[]; readonly properties?: object }>>;
}

const found = featuresOf(loadNative());
const schema = JSON.parse(readFileSync(new URL('../../schema/config.schema.json', import.meta.url), 'utf8')) as Schema;

t.test('features: the output matches our schema', async (t) => {
  t.equal(validateFeatures(found), null);
});

t.test('features: the output matches the official schema', { skip: skipOfficial }, async (t) => {
  const official = officialValidator('features');
  t.ok(official(found), JSON.stringify(official.errors));
});

t.test('features: exactly the values of the schema are listed', async (t) => {
  const { linux } = found;
  const lists: Readonly<Record<string, readonly string[] | undefined>> = {
    NamespaceType: linux?.namespaces,
    SeccompAction: linux?.seccomp?.actions,
    SeccompOperator: linux?.seccomp?.operators,
    SeccompArch: linux?.seccomp?.archs,
    SeccompFlag: linux?.seccomp?.knownFlags,
    MemoryPolicyMode: linux?.memoryPolicy?.modes,
    MemoryPolicyFlag: linux?.memoryPolicy?.flags,
    Hooks: found.hooks,
  };
  for (const [name, listed = []] of Object.entries(lists)) {
    const definition = schema.$defs[name];
    const words = definition?.enum ?? Object.keys(definition?.properties ?? {});
    t.ok(words.length > 0, name);
    t.strictSame([...listed].sort(), [...words].sort(), name);
  }
  const { knownFlags = [], supportedFlags = [] } = linux?.seccomp ?? {};
  for (const flag of supportedFlags) t.ok(knownFlags.includes(flag), flag);
});

t.test('features: the plan itself interprets every listed mount option', async (t) => {
  const listed = found.mountOptions ?? [];
  for (const word of ['rro', 'ro', 'bind', 'rbind', 'nosuid', 'private', 'rslave']) t.ok(listed.includes(word), word);
  t.strictSame(listed, [...listed].sort());
  for (const word of listed) {
    const faults: Diagnostic[] = [];
    // Some words are for binds alone.
    const words = /symlink|nofollow/.test(word) ? ['bind', word] : [word];
    const options = parseMountOptions(words, false, '/mounts/0', faults);
    t.strictSame(options.data, [], `${word} is not passed on to the file system`);
    t.strictSame(faults, [], `${word} is not refused`);
  }
});

t.test('features: every annotation of the page is listed', async (t) => {
  const page = readFileSync(new URL('../../docs/annotations.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const names = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
  const listed = names.map((name) => name.replace('property.NAME', 'property.')).sort();
  t.ok(listed.length > 7);
  t.strictSame(found.potentiallyUnsafeConfigAnnotations, listed);
});
