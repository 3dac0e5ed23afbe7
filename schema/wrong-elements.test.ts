/** A config with a faulty element in any list of the schema can be compared with the host, as far as it is sound. */
import t from 'tap';
import type { Config } from './generated/config.ts';
import { soundPart } from '../src/bundle/sound.ts';
import { validateConfig } from '../src/bundle/validate.ts';
import type { Native } from '../src/host/native.ts';
import { ENOENT } from '../src/kernel/errno.ts';
import { S_IFDIR } from '../src/kernel/files.ts';
import { checkHost } from '../src/probe/host.ts';
import { schemaProperties } from './properties.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

function merged(one: Json | undefined, other: Json): Json {
  if (one === undefined || one === null || typeof one !== 'object' || other === null || typeof other !== 'object') {
    return other;
  }
  if (Array.isArray(one)) return [merged(one[0] as Json, (other as readonly Json[])[0] ?? null)];
  const members = Object.entries(other).map(([name, value]) => [
    name,
    merged((one as Record<string, Json>)[name], value),
  ]);
  return { ...(one as Record<string, Json>), ...Object.fromEntries(members) } as Json;
}

const usual = {
  ociVersion: '1.3.0',
  process: { cwd: '/', args: ['sh'], env: ['PATH=/bin'], user: { uid: 0, gid: 0, additionalGids: [1] } },
  root: { path: '/r' },
  mounts: [{ destination: '/a', source: '/b', type: 'bind', options: ['bind'] }],
  linux: {
    namespaces: [{ type: 'user' }, { type: 'mount' }],
    uidMappings: [{ containerID: 0, hostID: 1, size: 2 }],
    gidMappings: [{ containerID: 0, hostID: 1, size: 2 }],
  },
};

const sampled = schemaProperties('config')
  .filter(({ path }) => !/^(?:windows|solaris|vm|zos|freebsd)\b/.test(path))
  .map(({ sample }) => sample() as Json)
  .reduce(merged) as typeof usual;

/** With a new user namespace, of which the mappings matter. */
const full: Json = { ...sampled, ...usual, linux: { ...sampled.linux, ...usual.linux } };

/** The place of each list. */
function* lists(value: Json, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    yield path;
    for (const [index, element] of value.entries()) yield* lists(element as Json, [...path, index]);
    return;
  }
  for (const [name, member] of Object.entries(value)) yield* lists(member, [...path, name]);
}

function changed(value: Json, [name, ...path]: readonly (string | number)[], element: Json): Json {
  if (name === undefined) return [element, ...(value as readonly Json[]).slice(1)];
  const inner = changed((value as Record<string | number, Json>)[name] ?? null, path, element);
  return Array.isArray(value)
    ? value.map((old: Json, at) => (at === name ? inner : old))
    : { ...(value as object), [name]: inner };
}

/** A host where each path is an empty directory, and no file can be read. */
const native: Partial<Native> = {
  open: () => 3,
  close: () => 0,
  statAt: () => [S_IFDIR | 0o700, 0, 0],
  stat: () => [S_IFDIR | 0o700, 0, 0],
  readDirectory: () => '',
  readText: () => -ENOENT,
  hasAttribute: () => 0,
  kernel: () => '6.1\0x86_64',
};

function look(value: Json): void {
  const sound = soundPart(value, validateConfig(value));
  if (sound !== undefined) checkHost(native as Native, sound, '/bundle');
}

t.test('each element of each list, one after the other', async (t) => {
  const places = [...lists(full)];
  t.ok(places.length > 40, `${places.length} lists`);
  for (const place of places) {
    for (const element of [null, 7, 'no-such-word', {}, { containerID: '0', hostID: 1, size: 0 }]) {
      const value = changed(full, place, element);
      t.doesNotThrow(() => look(structuredClone(value)), `${place.join('.')} ${JSON.stringify(element)}`);
    }
  }
});

t.test('a list of mappings is left out as a whole: a part of it maps other ids', async (t) => {
  const config = {
    ...usual,
    linux: { ...usual.linux, uidMappings: [...usual.linux.uidMappings, { containerID: 5, hostID: 9, size: 0 }] },
  };
  const sound = soundPart(config, validateConfig(config));
  t.strictSame(sound?.left, ['/linux/uidMappings']);
  t.equal((sound?.config as Config).linux?.uidMappings, undefined);
});
