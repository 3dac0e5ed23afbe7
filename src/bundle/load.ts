import type { Config, Process, Root } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { exactJson } from '../diag/exact-json.ts';
import { withLocations } from '../diag/failure.ts';
import { phase } from '../diag/trace.ts';
import { pathFailure, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EAGAIN, EFBIG, EISDIR, ENOENT, ENOTDIR } from '../kernel/errno.ts';
import { S_IFMT, S_IFREG } from '../kernel/files.ts';
import { mayHoldLongIntegers, parseExactJson, parseJson, refuseDepth } from './json.ts';
import { checkRequirements } from './rules.ts';
import { withMistakes } from './unknown.ts';
import { unsupportedFaults } from './unsupported.ts';
import type { SchemaVerdict } from './absent.ts';
import { checkSchema, diagnose } from './validate.ts';

/** A config from which a container can be made. */
export interface RunnableConfig extends Config {
  root: Root;
  process?: Process & { args: string[] };
}

/** A config as read, with all its faults. */
export interface CheckedConfig {
  readonly value: unknown;
  /** Members that are null in the text are missing here. */
  readonly changed: boolean;
  /** Reasons why the config is invalid or no container can be made from it. */
  readonly faults: readonly Diagnostic[];
  /** Valid but unsupported settings; empty if there are faults. */
  readonly unsupported: readonly Diagnostic[];
}

/** Engines limit config.json to a few MiB at most; this prevents a wrong file from filling the memory. */
const maximumSize = 32 * 1024 * 1024;

/** A config without faults, and its text. */
export interface LoadedConfig {
  readonly config: RunnableConfig;
  readonly text: string;
  /** Of its file, in messages. */
  readonly name: string;
}

/**
 * Reads and checks the config of a bundle: config.json, or the file `path` instead. Throws a Failure with every fault,
 * each with its place in the text. `saved`: the config as text without members that are null.
 */
export function loadBundle(native: Native, bundle: string, path?: string): LoadedConfig & { readonly saved: string } {
  const name = path ?? 'config.json';
  const text = phase('read config', () => readConfigText(native, path ?? `${bundle}/config.json`, name));
  const { value, changed, faults, unsupported } = checkConfigText(text, name);
  const all = withMistakes(faults.concat(unsupported), value);
  if (all.length > 0) throw withLocations(new Failure(all), text, name);
  return { config: value as RunnableConfig, text, name, saved: changed ? exactJson(value) : text };
}

/** The text of a config. Never blocks, since only a regular file is accepted. */
export function readConfigText(native: Native, path: string, name: string): string {
  const text = native.readText(path, maximumSize);
  if (typeof text === 'string' && text !== '') return text;
  if (text === -ENOENT) {
    throw new Failure({
      code: 'bundle.missing',
      message: `JSON specification file ${name} not found${name === path ? '' : `: "${path}"`}`,
      ...(name === 'config.json' ? { hint: 'rt spec writes a template' } : {}),
    });
  }
  if (text === -EFBIG) {
    throw new Failure({ code: 'bundle.size', message: `${name} is too large: more than ${maximumSize / 1048576} MiB` });
  }
  const status = native.stat(path, 1);
  const special = typeof status !== 'number' && ((status[0] ?? 0) & S_IFMT) !== S_IFREG;
  if (special || text === -EAGAIN || text === -EISDIR) {
    throw new Failure({ code: 'bundle.kind', message: `${name} is not a regular file` });
  }
  if (typeof text === 'number') {
    if (text === -EACCES) throw pathFailure(native, 'bundle.read', `cannot read ${name}`, 'read', text, path);
    const hint = text === -ENOTDIR ? 'a bundle is the directory that has config.json' : undefined;
    throw systemFailure('bundle.read', `cannot read ${name}`, 'read', text, hint);
  }
  throw new Failure({ code: 'config.syntax', message: `${name} is empty` });
}

/**
 * Parses and checks the text of a config. An integer beyond 2^53, which JSON.parse rounds, violates the schema as a
 * number; only then the text is parsed again, exactly.
 */
export function checkConfigText(text: string, name: string): CheckedConfig {
  let value = phase('parse', () => parseJson(text, name));
  let verdict = phase('validate', () => checkSchema(value));
  if (verdict.faults.length > 0 || verdict.changed) refuseDepth(text, name);
  if (verdict.faults.length > 0 && mayHoldLongIntegers(text)) {
    value = parseExactJson(text, name);
    verdict = checkSchema(value);
  }
  return phase('rules', () => checkRules(value, verdict, text));
}

/** For a document that is often taken for a config. */
function otherDocument(value: object): Diagnostic[] {
  if ('ociVersion' in value) return [];
  const [kind, hint] =
    'architecture' in value && 'os' in value
      ? ['the config of an image', 'umoci unpack and engines make a bundle of an image']
      : 'schemaVersion' in value
        ? ['the manifest or index of an image', 'umoci unpack and engines make a bundle of an image']
        : 'services' in value
          ? ['a compose file', 'an engine reads it: rt runs one container from a bundle']
          : [];
  return kind === undefined || hint === undefined ? [] : [{ code: 'config.kind', message: `this is ${kind}`, hint }];
}

function checkRules(value: unknown, { faults: found, changed }: SchemaVerdict, text: string): CheckedConfig {
  const invalid = diagnose(value, found, text);
  const readable = typeof value === 'object' && value !== null && !Array.isArray(value);
  const faults = readable ? invalid.concat(checkRequirements(value as Config)) : invalid;
  if (faults.length > 0 && readable) faults.unshift(...otherDocument(value));
  return { value, changed, faults, unsupported: invalid.length > 0 ? [] : unsupportedFaults(value as Config) };
}
