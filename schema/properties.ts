/** The properties defined by a JSON schema of this folder. For tests only. */
import { readFileSync } from 'node:fs';

/** The relevant keywords of our schemas. */
interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

export interface Property {
  /** `linux.devices[].path`, `linux.rdma.*.hcaHandles`: elements of a list are `[]`, members of a map `*`. */
  readonly path: string;
  /** Allowed values of a string, or of the elements of a list of strings; empty if any value is allowed. */
  readonly values: readonly string[];
  /** A document with only this property and its parents, with a value that has an effect. */
  readonly sample: (value?: string) => object;
}

type DocumentKind = 'config' | 'state' | 'features';

/** Every property of a kind of document, parents first. */
export function schemaProperties(kind: DocumentKind): Property[] {
  const root = JSON.parse(readFileSync(new URL(`${kind}.schema.json`, import.meta.url), 'utf8')) as Schema;
  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.replace('#/$defs/', '');
    return name === undefined ? schema : (root.$defs?.[name] ?? {});
  };
  const found: Property[] = [];
  const visit = (given: Schema, path: string, wrap: (value: unknown) => unknown): void => {
    const schema = resolve(given);
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      const place = path === '' ? name : `${path}.${name}`;
      const within = (value: unknown): unknown => wrap({ [name]: value });
      const sample = (value?: string): object => within(sampleOf(member, resolve, value)) as object;
      const element = resolve(resolve(member).items ?? {});
      found.push({ path: place, values: resolve(member).enum ?? element.enum ?? [], sample });
      visit(member, place, within);
    }
    if (schema.items !== undefined) visit(schema.items, `${path}[]`, (value) => wrap([value]));
    if (schema.additionalProperties !== undefined) {
      visit(schema.additionalProperties, `${path}.*`, (value) => wrap({ some: value }));
    }
  };
  visit(root, '', (value) => value);
  return found;
}

/** A value of a schema; the given word if it allows strings. */
function sampleOf(given: Schema, resolve: (schema: Schema) => Schema, word = 'some'): unknown {
  const schema = resolve(given);
  if (schema.properties !== undefined) {
    const [name, member] = Object.entries(schema.properties)[0] ?? [];
    return name === undefined || member === undefined ? {} : { [name]: sampleOf(member, resolve, word) };
  }
  if (schema.additionalProperties !== undefined) {
    return { some: sampleOf(schema.additionalProperties, resolve, word) };
  }
  if (schema.items !== undefined) return [sampleOf(schema.items, resolve, word)];
  if (schema.type === 'boolean') return true;
  if (schema.type === 'integer') return Math.max(schema.minimum ?? 0, 1);
  return schema.enum === undefined || schema.enum.includes(word) ? word : schema.enum[0];
}
