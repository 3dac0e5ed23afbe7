import { chmodSync, mkdirSync, renameSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../../harness/config.ts';
import { bind, mount } from '../trigger.ts';
import type { Trigger } from '../trigger.ts';

const place = '/mounts/4';
const long = '/d'.repeat(3000);

/** The root filesystem by way of a read-only mount, which rt cannot change. */
function readonlyRoot(change: (config: TestConfig) => void) {
  return (config: TestConfig): void => {
    change(config);
    config.mounts.splice(4, 0, { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['ro'] });
  };
}

function root(path: string) {
  return (config: TestConfig): void => {
    config.root.path = path;
  };
}

export const mounts: readonly Trigger[] = [
  {
    what: 'bind of a directory on a file',
    make: bind('/usr', '/bin/probe'),
    says: [/\/bin\/probe/, /not a directory/i, /\/bin\/probe"? \(a file\)/],
    place,
  },
  {
    what: 'bind of a file on a directory',
    make: bind('/etc/passwd', '/tmp'),
    says: [/\/tmp/, /not a directory/i, /\/tmp"? \(a directory\)/],
    never: /is a directory/,
    place,
  },
  {
    what: 'tmpfs on a file',
    make: mount('/bin/probe', 'tmpfs', 'tmpfs'),
    says: [/\/bin\/probe/, /not a directory/i, /is a file|\(a file\)/],
    place,
  },
  {
    what: 'unknown filesystem',
    make: mount('/tmp', 'ext5', 'none'),
    says: [/ext5/, /\/proc\/filesystems|no filesystem|unknown filesystem/],
    place,
    hint: /ext4/,
  },
  {
    what: 'tmpfs, size=abc',
    make: mount('/tmp', 'tmpfs', 'tmpfs', 'size=abc'),
    says: [/size/, /Bad value|invalid argument/i],
    place,
  },
  { what: 'tmpfs, nosiud', make: mount('/tmp', 'tmpfs', 'tmpfs', 'nosiud'), says: [/nosiud/, /\bnosuid\b/], place },
  {
    what: 'bind, readonly',
    make: bind('/etc', '/tmp', 'readonly'),
    says: [/readonly/, /options/],
    place: `${place}/options/1`,
    hint: /\bro\b/,
    mayWork: true,
  },
  {
    what: 'bind, rprivatee',
    make: bind('/etc', '/tmp', 'rprivatee'),
    says: [/rprivatee/, /\brprivate\b/],
    place: `${place}/options/1`,
    mayWork: true,
  },
  {
    what: 'two words in one option',
    make: bind('/etc', '/tmp', 'ro,noexec'),
    says: [/ro,noexec/],
    place: `${place}/options/1`,
    hint: /"ro", "noexec"/,
    mayWork: true,
  },
  {
    what: 'mount point missing, read-only below',
    make: readonlyRoot(mount('/tmp/sub', 'tmpfs', 'tmpfs')),
    says: [/\/tmp\/sub/, /read-only/i, /does not exist|missing|mkdir/],
    place: '/mounts/5',
    hint: /make|before/,
    mayWork: true,
  },
  {
    what: 'mount point of a file missing, read-only below',
    make: readonlyRoot(bind('/etc/passwd', '/tmp/file')),
    says: [/\/tmp\/file/, /read-only/i, /does not exist|missing|create/],
    place: '/mounts/5',
    hint: /make|before/,
    mayWork: true,
  },
  {
    what: 'overlay, no lowerdir',
    make: (config, bundle) => {
      for (const name of ['upper', 'work']) mkdirSync(join(bundle.dir, name));
      mount(
        '/tmp',
        'overlay',
        'overlay',
        'lowerdir=/nonexistent/a',
        `upperdir=${bundle.dir}/upper`,
        `workdir=${bundle.dir}/work`,
      )(config);
    },
    says: [/overlay/, /\/nonexistent\/a/],
    place,
  },
  {
    what: 'overlay, upperdir and workdir on different filesystems',
    make: (config, bundle) => {
      for (const name of ['lower', 'upper']) mkdirSync(join(bundle.dir, name));
      mount(
        '/tmp',
        'overlay',
        'overlay',
        `lowerdir=${bundle.dir}/lower`,
        `upperdir=${bundle.dir}/upper`,
        'workdir=/dev/shm',
      )(config);
    },
    says: [/overlay/, /same|different|workdir/],
    place,
  },
  {
    what: 'ext4 of a file',
    make: mount('/tmp', 'ext4', '/etc/passwd'),
    says: [/\/etc\/passwd/, /block device/i],
    place,
  },
  {
    what: 'ext4 of a missing device',
    make: mount('/tmp', 'ext4', '/dev/sdzz1'),
    says: [/\/dev\/sdzz1/, /no such file/i],
    place,
  },
  { what: 'destination too long', make: mount(long, 'tmpfs', 'tmpfs'), says: [/too long/i], place },
  { what: 'source too long', make: bind(long, '/tmp'), says: [/too long/i], place },
  {
    what: 'idmapped mount of procfs',
    make: (config) => {
      bind('/proc', '/tmp')(config);
      const [id] = [{ containerID: 0, hostID: 100_000, size: 10 }];
      Object.assign(config.mounts[4] ?? {}, { uidMappings: [id], gidMappings: [id], options: ['rbind', 'idmap'] });
    },
    says: [/idmap/, /proc/, /support|has no idmapped/],
    place,
  },
  {
    what: 'mount inside /proc',
    make: bind('/etc', '/proc/foo'),
    says: [/\/proc\/foo/, /inside \/proc/],
    place: `${place}/destination`,
    hint: /maskedPaths/,
  },
  {
    what: 'bind source missing',
    make: bind('/var/run/nosuch/docker.sock', '/run/docker.sock'),
    says: [/\/var\/run\/nosuch/, /no such file/i],
    place: `${place}/source`,
    hint: /create|exist/,
  },
  {
    what: 'bind source is a dangling link',
    make: (config, bundle) => {
      symlinkSync('/nowhere/x', join(bundle.dir, 'link'));
      bind(join(bundle.dir, 'link'), '/tmp')(config);
    },
    says: [/no such file/i, /\/nowhere\/x/],
    place: `${place}/source`,
  },
  {
    what: 'bind source below a file',
    make: bind('/etc/passwd/x', '/tmp'),
    says: [/not a directory/i, /\/etc\/passwd"? is a file/],
    place: `${place}/source`,
  },
  {
    what: 'bind without source',
    make: (config) => config.mounts.push({ destination: '/tmp', type: 'bind', options: ['rbind'] }),
    says: [/source/],
    place: `${place}/source`,
    mayWork: true,
  },
  {
    what: 'mount on /',
    make: mount('/', 'tmpfs', 'tmpfs'),
    says: [/rootfs|root file ?system/, /"\/"/],
    place: `${place}/destination`,
    hint: /root\.path/,
    mayWork: true,
  },
  {
    what: 'options are a string',
    make: (config) => Object.assign(config.mounts[3] ?? {}, { options: 'ro,nosuid' }),
    says: [/options/, /array|string/],
    place: '/mounts/3/options',
  },
  {
    what: 'root filesystem missing',
    make: root('nosuch'),
    says: [/nosuch/, /no such file/i],
    place: '/root/path',
    hint: /root\.path|create/,
  },
  {
    what: 'root filesystem is a file',
    make: (config, bundle) => (writeFileSync(join(bundle.dir, 'file'), ''), root('file')(config)),
    says: [/invalid rootfs/, /not a directory|is a file/i],
    place: '/root/path',
  },
  {
    what: 'root filesystem is a link',
    make: (_, bundle) => (renameSync(bundle.rootfs, join(bundle.dir, 'real')), symlinkSync('real', bundle.rootfs)),
    says: [/rootfs/, /symbolic link|symlink/],
    place: '/root/path',
    hint: /root\.path/,
    mayWork: true,
  },
  {
    what: 'root missing',
    make: (config) => delete (config as { root?: unknown }).root,
    says: [/root/, /must be specified|no `root`/],
  },
  { what: 'root.path empty', make: root(''), says: [/rootfs|root\.path/, /empty/], place: '/root/path' },
  {
    what: 'maskedPaths relative',
    make: (config) => (config.linux.maskedPaths = ['proc/kcore']),
    says: [/maskedPaths/, /absolute/],
    place: '/linux/maskedPaths/0',
    mayWork: true,
  },
  {
    what: 'rootfsPropagation misspelt',
    make: (config) => (config.linux.rootfsPropagation = 'rslavee'),
    says: [/rslavee/],
    place: '/linux/rootfsPropagation',
    hint: /\brslave\b/,
    mayWork: true,
  },
  {
    what: 'maskedPaths without a mount namespace',
    make: (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'mount');
      config.linux.maskedPaths = ['/proc/kcore'];
    },
    says: [/MNT namespace|mount namespace/i],
    place: '/linux/maskedPaths',
    hint: /mount/,
    mayWork: true,
  },
  {
    what: 'image has a file where /dev/pts should be',
    make: (config, bundle) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev');
      rmdirSync(join(bundle.rootfs, 'dev'));
      writeFileSync(join(bundle.rootfs, 'dev'), '');
      chmodSync(join(bundle.rootfs, 'dev'), 0o644);
    },
    says: [/\/dev/, /not a directory/i, /"?\/dev"? is a file/],
    place: '/mounts/1',
  },
  {
    what: 'image has a file at /dev/null',
    make: (config, bundle) => {
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
      writeFileSync(join(bundle.rootfs, 'dev/null'), '');
    },
    says: [/\/dev\/null/, /exists|not a device|is a file/],
    hint: /tmpfs/,
    mayWork: true,
  },
];
