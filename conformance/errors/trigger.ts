import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../harness/config.ts';
import type { Bundle } from '../harness/sandbox.ts';

/** One mistake of a user, and what a message about it must say. */
export interface Trigger {
  readonly what: string;
  /** Changes the config, which is saved afterwards, and the files of the bundle. */
  readonly make?: (config: TestConfig, bundle: Bundle) => void;
  /** Changes the text of config.json. */
  readonly text?: (json: string) => string;
  readonly call?: Call;
  /** The object and the cause: all are needed for two points, one for one. */
  readonly says: readonly RegExp[];
  /** What would mislead: no point. */
  readonly never?: RegExp;
  /** JSON pointer that rt must name, with line and column. */
  readonly place?: string;
  /** The cure that rt must give. */
  readonly hint?: RegExp;
  /** Some runtimes may support it: a success is not judged. */
  readonly mayWork?: true;
}

/** The command that fails; without it, `run` in the foreground. */
export interface Call {
  /** `ID`, `DIR` (of the bundle) and `OTHER` (an id that nothing has) are replaced. */
  readonly words: readonly string[];
  /** Words before the command. */
  readonly globals?: readonly string[];
  /** The state of the container ID when the command begins; none if absent. */
  readonly state?: 'created' | 'running' | 'paused' | 'stopped';
  /** Runs as an unprivileged user, who owns the bundle. */
  readonly user?: true;
  /** Further environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Standard output is /dev/full. */
  readonly full?: true;
}

/** Puts a file into the root filesystem and makes it the program. */
export function program(content: string | Buffer, mode = 0o755, path = '/bin/app') {
  return (config: TestConfig, bundle: Bundle): void => {
    writeFileSync(join(bundle.rootfs, path), content, { mode });
    config.process.args = [path];
  };
}

/** A mount with the index 4, behind those of every config. */
export function mount(destination: string, type: string, source: string, ...options: string[]) {
  return (config: TestConfig): void => {
    config.mounts.push({ destination, type, source, options });
  };
}

/** A bind mount of a path on the host. */
export function bind(source: string, destination: string, ...options: string[]): (config: TestConfig) => void {
  return mount(destination, 'bind', source, 'rbind', ...options);
}
