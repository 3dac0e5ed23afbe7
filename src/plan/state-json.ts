import type { Config } from '../../schema/generated/config.ts';
import { specVersion } from '../bundle/spec-version.ts';

/** The constant properties of a container's state. */
export interface ContainerIdentity {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
}

/**
 * The state of a container (runtime-spec runtime.md, "State") in two parts around the pid: only the process itself
 * knows its pid in the reader's pid namespace.
 */
export function stateAroundPid(
  config: Config,
  { id, bundle }: ContainerIdentity,
  status: 'creating' | 'created' | 'running',
): [before: string, after: string] {
  const annotations =
    config.annotations === undefined || Object.keys(config.annotations).length === 0
      ? ''
      : `,"annotations":${JSON.stringify(config.annotations)}`;
  return [
    `{"ociVersion":"${specVersion}","id":${JSON.stringify(id)},"status":"${status}","pid":`,
    `,"bundle":${JSON.stringify(bundle)}${annotations}}`,
  ];
}
