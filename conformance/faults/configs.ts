import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../harness/config.ts';

/** A kind of container. */
export interface Kind {
  readonly name: string;
  readonly config: TestConfig;
  readonly terminal: boolean;
  /** It has limits; otherwise only the cgroup that a container requires, if there is a choice. */
  readonly limits: boolean;
}

export const kindNames = ['docker', 'terminal', 'userns', 'hooks', 'no-cgroups'] as const;
export type KindName = (typeof kindNames)[number];

const sleep = ['/bin/sleep', '1000000'];

/** `cgroup`: that of the container, below one of the test. */
export function kindOf(name: KindName, cgroup: string): Kind {
  const config = dockerConfig(cgroup);
  const kind = { name, config, terminal: false, limits: true };
  switch (name) {
    case 'docker':
      return kind;
    case 'terminal':
      config.process.terminal = true;
      config.process.consoleSize = { width: 80, height: 24 };
      return { ...kind, terminal: true };
    case 'userns':
      config.linux.namespaces.push({ type: 'user' });
      // Not all of its groups are mapped.
      delete config.linux.sysctl?.['net.ipv4.ping_group_range'];
      config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
      return kind;
    case 'hooks': {
      const hook = [{ path: '/bin/true' }];
      config.hooks = Object.fromEntries(
        ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((when) => [
          when,
          hook,
        ]),
      );
      return kind;
    }
    case 'no-cgroups': {
      config.linux.resources = {};
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'cgroup');
      config.mounts = config.mounts.filter(({ type }) => type !== 'cgroup');
      return { ...kind, limits: false };
    }
  }
}

function dockerConfig(cgroup: string): TestConfig {
  const text = readFileSync(join(import.meta.dirname, '../configs/docker.json'), 'utf8');
  const config = JSON.parse(text) as TestConfig;
  config.process.args = sleep;
  // A number that every host allows.
  config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 1024 }];
  config.linux.cgroupsPath = cgroup;
  return config;
}
