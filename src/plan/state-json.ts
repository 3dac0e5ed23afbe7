import type { Config } from '../../schema/generated/config.ts';

/** What names a container in its state. */
export interface ContainerIdentity {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
}

/**
 * The state of a container (runtime-spec runtime.md, "State") around the pid, which only the process itself knows
 * as the reader sees it.
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
    `{"ociVersion":"1.3.0","id":${JSON.stringify(id)},"status":"${status}","pid":`,
    `,"bundle":${JSON.stringify(bundle)}${annotations}}`,
  ];
}
