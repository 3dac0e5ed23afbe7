import type { Config, Mount } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { parseJson } from './json.ts';
import { specVersion } from './spec-version.ts';
import { checkSchema, diagnose } from './validate.ts';

const place = '/mounts';

/** A document that is one `mounts` array, with a function that locates a failure in it. */
export interface MountList {
  readonly mounts: readonly Mount[];
  /** Pointers of a failure begin with `/mounts`, as in a config. */
  readonly locate: (failure: Failure) => Failure;
}

/**
 * Parses and checks a document that is one `mounts` array, the input of the command `mounts`; `name` is the name of the
 * text in messages. Throws a Failure with every fault, each with its place in the text. To remove mounts, only their
 * destinations are needed.
 */
export function parseMounts(text: string, name: string, purpose: 'add' | 'remove'): MountList {
  const value = parseJson(text, name);
  const locate = (failure: Failure): Failure =>
    withLocations(new Failure(failure.diagnostics.map(inDocument), failure.exitCode), text, name);
  const mounts = purpose === 'add' || !Array.isArray(value) ? value : value.map(destinationAlone);
  const config = { ociVersion: specVersion, mounts };
  const faults = diagnose(config, checkSchema(config, place).faults, text).filter(
    ({ code }) => purpose === 'add' || code !== 'mount.type',
  );
  if (faults.length > 0) throw locate(new Failure(faults));
  return { mounts: (config as Config).mounts ?? [], locate };
}

function destinationAlone(mount: unknown): unknown {
  if (typeof mount !== 'object' || mount === null || !('destination' in mount)) return mount;
  return { destination: mount.destination };
}

/** The same fault with its pointer into the document instead of into a config. */
function inDocument(fault: Diagnostic): Diagnostic {
  if (fault.pointer?.startsWith(place) !== true) return fault;
  return { ...fault, pointer: fault.pointer.slice(place.length) };
}
