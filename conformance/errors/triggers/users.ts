import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace } from '../../harness/config.ts';
import type { TestConfig } from '../../harness/config.ts';
import type { Bundle } from '../../harness/sandbox.ts';
import { mount } from '../trigger.ts';
import type { Trigger } from '../trigger.ts';

/** A user namespace whose root owns the root filesystem. */
function mapped(change: (config: TestConfig, bundle: Bundle) => void = () => undefined) {
  return (config: TestConfig, bundle: Bundle): void => {
    addUserNamespace(config);
    chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
    change(config, bundle);
  };
}

function cwd(path: string) {
  return (config: TestConfig): void => {
    config.process.cwd = path;
  };
}

export const users: readonly Trigger[] = [
  {
    what: 'cwd is a file',
    make: cwd('/bin/probe'),
    says: [/\/bin\/probe/, /is a file|not a directory/i, /cwd|chdir/],
    place: '/process/cwd',
  },
  {
    what: 'cwd below a file',
    make: cwd('/bin/probe/sub'),
    says: [/\/bin\/probe/, /is a file|not a directory/i, /cwd|chdir/],
    place: '/process/cwd',
  },
  { what: 'cwd relative', make: cwd('app'), says: [/absolute/], place: '/process/cwd' },
  {
    what: 'cwd is a loop of links',
    make: (config, bundle) => (symlinkSync('loop', join(bundle.rootfs, 'loop')), cwd('/loop')(config)),
    says: [/\/loop/, /too many levels/i, /cwd|chdir/],
    place: '/process/cwd',
  },
  {
    what: 'cwd is a link of /proc',
    make: cwd('/proc/self/fd/7'),
    says: [/\/proc\/self\/fd\/7/, /no such file|symbolic links/i],
    place: '/process/cwd',
  },
  {
    what: 'uid not mapped',
    make: mapped((config) => (config.process.user.uid = 5000)),
    says: [/5000/, /unmapped|not mapped/],
    place: '/process/user/uid',
    hint: /uidMappings/,
  },
  {
    what: 'additional gid not mapped',
    make: mapped((config) => (config.process.user.additionalGids = [5000])),
    says: [/5000/, /unmapped|not mapped/],
    place: '/process/user/additionalGids/0',
    hint: /gidMappings/,
  },
  {
    what: 'root of the container not mapped',
    make: mapped((config) => (config.linux.uidMappings = [{ containerID: 1000, hostID: MAPPED.uid, size: 10 }])),
    says: [/map.*(uid )?0|uid 0/],
    hint: /add/,
  },
  {
    what: 'user namespace without mappings',
    make: (config) => config.linux.namespaces.push({ type: 'user' }),
    says: [/mapping/],
    hint: /uidMappings/,
  },
  {
    what: 'overlapping mappings',
    make: mapped((config) => config.linux.uidMappings?.push({ containerID: 5, hostID: MAPPED.uid + 5, size: 5 })),
    says: [/uidMappings|uid_map/, /overlap/],
    place: '/linux/uidMappings/1',
  },
  {
    what: 'only uidMappings',
    make: mapped((config) => delete config.linux.gidMappings),
    says: [/gid ?mapping|mappings/i],
    hint: /gidMappings/,
  },
  {
    what: 'gid=5 of devpts not mapped',
    make: mapped((config) => (config.linux.gidMappings = [{ containerID: 0, hostID: MAPPED.gid, size: 1 }])),
    says: [/devpts/, /gid.?5/],
    place: '/mounts/2/options/5',
    hint: /gidMappings/,
  },
  {
    what: 'mount point cannot be made: root filesystem of another user',
    make: (config) => (addUserNamespace(config), mount('/newdir', 'tmpfs', 'tmpfs')(config)),
    says: [/\/newdir/, /permission denied/i],
    place: '/mounts/4',
    hint: /owner|hostID/,
  },
  {
    what: 'root filesystem below a folder that the mapped root may not enter',
    make: mapped((config, bundle) => {
      mkdirSync(join(bundle.dir, 'priv'));
      renameSync(bundle.rootfs, join(bundle.dir, 'priv/rootfs'));
      chmodSync(join(bundle.dir, 'priv'), 0o700);
      config.root.path = 'priv/rootfs';
    }),
    says: [/permission denied/i, /priv"? \(.*0700/],
    mayWork: true,
  },
  {
    what: 'uid is a string',
    make: (config) => ((config.process.user as unknown as { uid: string }).uid = '1000'),
    says: [/uid/, /integer|number|string/],
    place: '/process/user/uid',
    hint: /quotes/,
  },
  {
    what: 'uid is -1',
    make: (config) => (config.process.user.uid = -1),
    says: [/uid/i, /-1/],
    place: '/process/user/uid',
  },
  {
    what: 'sysfs with the network namespace of the host, in a user namespace',
    make: mapped((config) => changeNamespace(config, 'network')),
    says: [/sysfs/, /network namespace/],
    place: '/mounts/3',
    hint: /network|rbind/,
    mayWork: true,
  },
  {
    what: 'proc with the pid namespace of the host, in a user namespace',
    make: mapped((config) => changeNamespace(config, 'pid')),
    says: [/proc/, /pid namespace/],
    place: '/mounts/0',
    hint: /pid/,
  },
];
