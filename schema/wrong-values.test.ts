/** Every property of config.json refuses every invalid value, and the fault has the place of the property. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { validateConfig } from '../src/bundle/validate.ts';

interface Node {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
}

/** A member name, or 0 for the first item of a list. */
type Step = string | 0;

const schema = JSON.parse(readFileSync(new URL('config.schema.json', import.meta.url), 'utf8')) as Node & {
  readonly $defs: Readonly<Record<string, Node>>;
};

function resolve(node: Node): Node {
  const name = node.$ref?.slice('#/$defs/'.length);
  if (name === undefined) return node;
  const definition = schema.$defs[name];
  if (definition === undefined) throw new Error(`no definition ${name}`);
  return { ...resolve(definition), ...node };
}

/** Every place of the schema below a node, with its allowed values, and whether it is optional. */
function* places(
  node: Node,
  path: readonly Step[],
  optional = false,
): Generator<readonly [path: readonly Step[], node: Node, optional: boolean]> {
  const resolved = resolve(node);
  const { properties = {}, required = [], additionalProperties, items } = resolved;
  if (path.length > 0) yield [path, resolved, optional];
  for (const [name, member] of Object.entries(properties)) {
    yield* places(member, [...path, name], !required.includes(name));
  }
  if (typeof additionalProperties === 'object') yield* places(additionalProperties, [...path, 'any']);
  if (items !== undefined) yield* places(items, [...path, 0]);
}

const anything: readonly unknown[] = [null, true, false, 1.5, 1e300, -1, 'no-such-word', [], {}, [[]]];

/** Whether a value has the type of the node; members and items are separate places. */
function fits(node: Node, value: unknown): boolean {
  if (node.enum !== undefined) return node.enum.includes(value);
  switch (node.type) {
    case 'string':
      return typeof value === 'string' && new RegExp(node.pattern ?? '').test(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return (
        typeof value === 'number' &&
        Number.isInteger(value) &&
        value >= (node.minimum ?? -Infinity) &&
        value <= (node.maximum ?? Infinity)
      );
    case 'array':
      return Array.isArray(value) && value.length >= (node.minItems ?? 0);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case undefined:
    default:
      throw new Error(`no rule for the type ${node.type}`);
  }
}

/** A config with only a value at one place. */
function configWith(path: readonly Step[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => (step === 0 ? [inner] : { [step]: inner }), value);
}

t.test('wrong types and values out of range', async (t) => {
  let count = 0;
  for (const [path, node, optional] of places(schema, [])) {
    const limits = node.type === 'integer' ? [(node.minimum ?? 0) - 1, (node.maximum ?? 0) + 1] : [];
    const pointer = `/${path.join('/')}`;
    const accepted = [...anything, ...limits.filter(Number.isSafeInteger)].filter((value) => {
      if (fits(node, value) || (value === null && optional)) return false;
      count++;
      return !validateConfig(configWith(path, value)).some(
        (fault) => fault.code === 'config.type' && fault.pointer === pointer,
      );
    });
    t.strictSame(accepted, [], pointer);
  }
  t.ok(count > 2500, `${count} values`);
});

t.test('null for a member that may be left out is as if it were', async (t) => {
  let count = 0;
  for (const [path, , optional] of places(schema, [])) {
    const holder = path.slice(0, -1);
    const name = path.at(-1);
    if (!optional || typeof name !== 'string') continue;
    count++;
    const config = configWith(path, null);
    t.strictSame(validateConfig(config), validateConfig(configWith(holder, {})), `/${path.join('/')}`);
    t.strictSame(config, configWith(holder, {}), 'it is taken out');
  }
  t.ok(count > 200, `${count} members`);
});

t.test('members that have to be there', async (t) => {
  let count = 0;
  for (const [path, node] of [[[], schema] as const, ...places(schema, [])]) {
    for (const name of node.required ?? []) {
      count++;
      const pointer = `/${[...path, name].join('/')}`;
      const faults = validateConfig(configWith(path, {}));
      t.ok(
        faults.some((fault) => fault.code === 'config.missing' && fault.pointer === pointer),
        `${pointer}: ${JSON.stringify(faults.map((fault) => fault.pointer))}`,
      );
    }
  }
  t.ok(count > 30, `${count} members`);
});
