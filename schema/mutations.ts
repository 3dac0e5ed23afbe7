/** Seeded changes of configs, for tests that compare verdicts. */
import { readFileSync } from 'node:fs';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Members = { [key: string]: Json };

interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode;
  readonly items?: SchemaNode;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
}

const schema = JSON.parse(readFileSync(new URL('config.schema.json', import.meta.url), 'utf8')) as SchemaNode;

/**
 * Values that are valid in some places and invalid in most. Numbers are strings, which are inserted into the text
 * verbatim.
 */
const values: readonly Json[] = [
  null,
  true,
  false,
  '',
  'x',
  '/x',
  '0',
  'RLIMIT_NOFILE',
  'rslave',
  'slave',
  '64KB',
  '64kB',
  'MB:0=10',
  '0-3',
  'CAP_KILL',
  'A=b',
  0,
  1,
  -1,
  7,
  511,
  512,
  65535,
  65536,
  1.5,
  4294967295,
  4294967296,
  -2147483649,
  [],
  {},
  [1],
  ['x'],
  [{}],
  { x: 'y' },
  { x: 1 },
  '#9007199254740993',
  '#18446744073709551615',
  '#18446744073709551616',
  '#9223372036854775807',
  '#9223372036854775808',
  '#-9223372036854775809',
  '#1e3',
  '#1e18',
  '#1e400',
  '#0.5e1',
  '#-0',
];

/** A generator of random numbers from 0 to below 1, reproducible by the seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The text of a config with one or three changes to existing members, or to members that the schema knows. */
export function mutate(text: string, next: () => number): string {
  const config = JSON.parse(text) as Members;
  const changes = next() < 0.7 ? 1 : 3;
  for (let count = 0; count < changes; count++) {
    if (next() < 0.5) changeExisting(config, next);
    else placeKnown(config, schema, next);
  }
  return JSON.stringify(config).replaceAll(/"#(-?[\d.e]+)"/g, '$1');
}

function pick<T>(list: readonly T[], next: () => number): T {
  return list[Math.floor(next() * list.length)] as T;
}

function someValue(next: () => number): Json {
  return structuredClone(pick(values, next));
}

/** Deletes, replaces, renames or repeats one value somewhere in the config. */
function changeExisting(config: Members, next: () => number): void {
  let holder: Members | Json[] = config;
  for (;;) {
    const keys: string[] = Object.keys(holder);
    if (keys.length === 0) return;
    const key: string = pick(keys, next);
    const value: Json | undefined = (holder as Members)[key];
    if (typeof value === 'object' && value !== null && next() < 0.8) {
      holder = value;
      continue;
    }
    const action = next();
    if (Array.isArray(holder)) {
      if (action < 0.3) holder.splice(Number(key), 1);
      else if (action < 0.5) holder.push(structuredClone(value ?? null));
      else holder[Number(key)] = someValue(next);
    } else if (action < 0.3) {
      delete holder[key];
    } else if (action < 0.4) {
      holder[`${key}X`] = value ?? null;
      delete holder[key];
    } else {
      holder[key] = someValue(next);
    }
    return;
  }
}

/** Gives one member that the schema knows a value, with the objects and arrays around it. */
function placeKnown(holder: Members, node: SchemaNode, next: () => number): void {
  const properties = resolve(node).properties ?? {};
  const names = Object.keys(properties);
  if (names.length === 0) return;
  const name = pick(names, next);
  const member = resolve(properties[name] ?? {});
  if (member.properties !== undefined && next() < 0.8) {
    const inner = holder[name];
    if (!isMembers(inner)) holder[name] = {};
    placeKnown(holder[name] as Members, member, next);
  } else if (member.items !== undefined && next() < 0.7) {
    const list = holder[name];
    if (!Array.isArray(list)) holder[name] = [];
    const items = resolve(member.items);
    const element: Json = items.properties === undefined ? fitting(items, next) : {};
    if (isMembers(element)) for (let count = 0; count < 4; count++) placeKnown(element, items, next);
    (holder[name] as Json[]).push(element);
  } else if (member.additionalProperties !== undefined && next() < 0.7) {
    const items = resolve(member.additionalProperties);
    const element: Json = items.properties === undefined ? fitting(items, next) : {};
    if (isMembers(element)) placeKnown(element, items, next);
    holder[name] = { some: element };
  } else {
    holder[name] = fitting(member, next);
  }
}

/** Mostly a value of the right type, sometimes any value. */
function fitting(node: SchemaNode, next: () => number): Json {
  if (next() < 0.4) return someValue(next);
  if (node.enum !== undefined) return pick(node.enum, next);
  if (node.type === 'string') return pick(['x', '/x', '', '64KB', 'MB:1', '1-2'], next);
  if (node.type === 'boolean') return next() < 0.5;
  if (node.type === 'integer') return pick([0, 1, 7, 500, 4294967295, -1, '#9007199254740993'], next);
  return someValue(next);
}

function isMembers(value: Json | undefined): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resolve(node: SchemaNode): SchemaNode {
  const name = node.$ref?.slice('#/$defs/'.length);
  return name === undefined ? node : (schema.$defs?.[name] ?? {});
}
