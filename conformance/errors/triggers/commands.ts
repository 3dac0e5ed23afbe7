import { chmodSync, mkdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../../harness/config.ts';
import type { Bundle } from '../../harness/sandbox.ts';
import type { Trigger } from '../trigger.ts';

const running = (...words: string[]) => ({ state: 'running', words }) as const;
const stopped = (...words: string[]) => ({ state: 'stopped', words }) as const;
const alone = (...words: string[]) => ({ words });
const ran = (...flags: string[]) => alone('run', '--bundle', 'DIR', ...flags, 'ID');
const terminal = (config: TestConfig): void => void (config.process.terminal = true);
const noConfig = (_: TestConfig, { dir }: Bundle): void => unlinkSync(join(dir, 'config.json'));

export const lifecycles: readonly Trigger[] = [
  {
    what: 'id in use',
    call: running('run', '--bundle', 'DIR', 'ID'),
    says: [/already exists|already in use/, /running/],
    never: /delete --force/,
  },
  {
    what: 'id of a stopped container',
    call: stopped('run', '--bundle', 'DIR', 'ID'),
    says: [/already exists|already in use/, /stopped/],
    hint: /delete/,
  },
  { what: 'id with a slash', call: alone('run', '--bundle', 'DIR', 'a/b'), says: [/invalid/, /a\/b/], hint: /letters/ },
  { what: 'id empty', call: alone('run', '--bundle', 'DIR', ''), says: [/id cannot be empty/] },
  {
    what: 'id of 2000 letters',
    call: alone('run', '--bundle', 'DIR', 'x'.repeat(2000)),
    says: [/longer than|too long/i],
  },
  { what: 'start of a running container', call: running('start', 'ID'), says: [/running/] },
  { what: 'start of a stopped container', call: stopped('start', 'ID'), says: [/stopped|not running/] },
  { what: 'kill of a stopped container', call: stopped('kill', 'ID'), says: [/not running/] },
  {
    what: 'delete of a running container',
    call: running('delete', 'ID'),
    says: [/not stopped|running|state/],
    hint: /kill|--force/,
  },
  {
    what: 'pause of a paused container',
    call: { state: 'paused', words: ['pause', 'ID'] },
    says: [/paused/, /already/],
    mayWork: true,
  },
  { what: 'resume of a running container', call: running('resume', 'ID'), says: [/not paused/], mayWork: true },
  { what: 'pause of a stopped container', call: stopped('pause', 'ID'), says: [/not running|stopped/] },
  { what: 'state of an unknown container', call: alone('state', 'OTHER'), says: [/does not exist/, /NAME/] },
  { what: 'start of an unknown container', call: alone('start', 'OTHER'), says: [/does not exist/, /NAME/] },
  { what: 'kill with signal 99', call: running('kill', 'ID', '99'), says: [/signal/, /99/, /1 to 64/] },
  {
    what: 'kill with an unknown name',
    call: running('kill', 'ID', 'KIL'),
    says: [/KIL/, /unknown signal/],
    hint: /\bKILL\b/,
  },
  {
    what: 'kill with a name and SIG',
    call: running('kill', 'ID', 'SIGTREM'),
    says: [/SIGTREM/],
    hint: /\b(SIG)?TERM\b/,
  },
  {
    what: 'delete of a created container',
    call: { state: 'created', words: ['delete', 'ID'] },
    says: [/created/],
    hint: /kill|--force/,
    mayWork: true,
  },
  { what: 'start while paused', call: { state: 'paused', words: ['start', 'ID'] }, says: [/paused|running/] },
  {
    what: 'delete of a paused container',
    call: { state: 'paused', words: ['delete', 'ID'] },
    says: [/paused|state/],
    hint: /kill|--force/,
  },
  {
    what: 'checkpoint without criu',
    call: { ...running('checkpoint', 'ID'), env: { PATH: '/nonexistent' } },
    says: [/criu/, /not found|no such file/i],
    hint: /install|--criu/,
  },
  { what: 'events of a stopped container', call: stopped('events', 'ID'), says: [/not running/] },
  { what: 'ps of a stopped container', call: stopped('ps', 'ID'), says: [/not running|stopped/], mayWork: true },
];

export const files: readonly Trigger[] = [
  {
    what: 'console socket without a terminal',
    call: ran('--console-socket', '/nosuch.sock'),
    says: [/console socket/, /tty|terminal/],
    hint: /process\.terminal/,
  },
  {
    what: 'console socket missing',
    make: terminal,
    call: ran('-d', '--console-socket', '/nosuch.sock'),
    says: [/\/nosuch\.sock/, /no such file/i],
    hint: /--console-socket/,
  },
  {
    what: 'console socket is a file',
    make: terminal,
    call: ran('-d', '--console-socket', '/etc/passwd'),
    says: [/\/etc\/passwd/, /refused|not a socket/i],
    hint: /--console-socket/,
  },
  {
    what: 'console socket too long',
    make: terminal,
    call: ran('-d', '--console-socket', `/${'s'.repeat(120)}`),
    says: [/too long|10[78]/],
  },
  {
    what: 'terminal, detached, no console socket',
    make: terminal,
    call: ran('-d'),
    says: [/console.socket/i],
    hint: /--console-socket/,
  },
  {
    what: 'terminal asked for, none there',
    make: terminal,
    says: [/tty|terminal/],
    place: '/process/terminal',
    hint: /--console-socket/,
  },
  {
    what: 'preserved descriptors that are not open',
    call: ran('--preserve-fds', '50'),
    says: [/preserve/, /not open|no such file|bad file/i],
    mayWork: true,
  },
  { what: 'pid file is a directory', call: ran('--pid-file', '/usr'), says: [/\/usr/, /directory|exists/i] },
  {
    what: 'pid file in a missing folder',
    call: ran('--pid-file', '/nosuch/pid'),
    says: [/\/nosuch\/pid/, /no such file/i],
  },
  {
    what: 'log in a missing folder',
    call: { globals: ['--log', '/nosuch/log'], words: ['run', '--bundle', 'DIR', 'ID'] },
    says: [/\/nosuch\/log/, /no such file/i],
  },
  {
    what: '--root is a file',
    call: { globals: ['--root', '/etc/passwd'], words: ['run', '--bundle', 'DIR', 'ID'] },
    says: [/\/etc\/passwd/, /not a directory|file exists/i],
  },
  {
    what: 'bundle without config.json',
    make: noConfig,
    call: ran(),
    says: [/config\.json/, /not found|no such file|cannot read/i, /rt-e2e[^ ]*\/config\.json/],
  },
  {
    what: 'bundle missing',
    call: alone('run', '--bundle', '/nosuch/bundle', 'ID'),
    says: [/\/nosuch\/bundle/, /no such file/i],
  },
  {
    what: 'bundle is config.json',
    call: alone('run', '--bundle', 'DIR/config.json', 'ID'),
    says: [/config\.json/, /not a directory/i],
    hint: /bundle/,
  },
  {
    what: 'config.json is a directory',
    make: (config, bundle) => (noConfig(config, bundle), mkdirSync(join(bundle.dir, 'config.json'))),
    call: ran(),
    says: [/config\.json/, /directory|regular file/],
  },
  { what: '/dev/full', call: { ...running('state', 'ID'), full: true }, says: [/no space|write/i] },
  {
    what: 'list of a root that is a file',
    call: { globals: ['--root', '/etc/passwd'], words: ['list'] },
    says: [/\/etc\/passwd/, /not a directory/i],
  },
];

const fault = (what: string, text: (json: string) => string, ...says: RegExp[]): Trigger => ({ what, text, says });

export const jsons: readonly Trigger[] = [
  fault('truncated', (json) => json.slice(0, 200), /config\.json/, /end|EOF/),
  fault('byte order mark', (json) => `\uFEFF${json}`, /byte order mark|BOM/),
  fault('empty file', () => '', /empty|EOF/),
  fault('comma missing', (json) => json.replace(',\n', '\n'), /comma|','/),
  fault('comma too many', (json) => json.replace('\n}', ',\n}').replace(/,,?\n}$/, ',\n}'), /comma/),
  fault('single quotes', (json) => json.replace('"ociVersion"', "'ociVersion'"), /double quotes|"\)/),
  fault('name without quotes', (json) => json.replace('"ociVersion"', 'ociVersion'), /double quotes/),
  fault('comment', (json) => `// mine\n${json}`, /comment/),
  fault('an array', () => '[]', /object/),
  fault('YAML', () => 'ociVersion: 1.0.2\nprocess:\n', /JSON|invalid char/),
  fault('True', (json) => json.replace('false', 'False'), /false/, /JSON|lexical|small/),
  {
    what: 'five wrong types',
    text: (json) => json.replace('"terminal": false', '"terminal": "no"').replace('"uid": 0', '"uid": "0"'),
    says: [/terminal/, /uid/],
    place: '/process/terminal',
  },
  fault('ociVersion missing', (json) => json.replace('"ociVersion": "1.0.2",', ''), /ociVersion/),
  {
    what: 'ociVersion "latest"',
    text: (json) => json.replace('1.0.2', 'latest'),
    says: [/latest/],
    place: '/ociVersion',
    mayWork: true,
  },
  {
    what: 'process missing',
    make: (config) => delete (config as { process?: unknown }).process,
    says: [/process/],
    hint: /args/,
  },
  {
    what: 'memory limit 1e30',
    make: (config) => (config.linux.resources['memory'] = { limit: 1e30 }),
    says: [/1e\+30/, /limit/],
    place: '/linux/resources/memory/limit',
  },
  {
    what: 'linux missing',
    make: (config) => delete (config as { linux?: unknown }).linux,
    says: [/linux|UTS namespace/],
  },
  fault(
    'config of an image',
    () => '{"architecture":"amd64","os":"linux","config":{"Env":[]},"rootfs":{"type":"layers"}}',
    /config of an image|image/,
  ),
  fault('compose file', () => '{"services":{"web":{"image":"nginx"}}}', /ociVersion/, /compose/),
];

export const flags: readonly Trigger[] = [
  { what: 'unknown option', call: ran('--bogus'), says: [/-bogus/] },
  { what: 'option misspelt', call: alone('run', '--bundel', 'DIR', 'ID'), says: [/-bundel/, /--bundle\b/] },
  { what: 'option without a value', call: alone('run', '--bundle'), says: [/bundle/, /argument/] },
  { what: 'number expected', call: ran('--preserve-fds', 'x'), says: [/preserve-fds/, /"x"|nvalid/], hint: /integer/ },
  { what: 'no id', call: alone('run', '--bundle', 'DIR'), says: [/run/, /argument|ID/] },
  { what: 'unknown command', call: alone('strat', 'ID'), says: [/strat/, /\bstart\b/] },
  {
    what: 'log format misspelt',
    call: { globals: ['--log-format', 'jsno'], words: ['list'] },
    says: [/jsno/, /log.format/i],
    hint: /json/,
  },
  {
    what: '--rootless maybe',
    call: { globals: ['--rootless', 'maybe'], words: ['list'] },
    says: [/maybe/, /rootless/],
    hint: /auto/,
  },
  { what: 'run IMAGE COMMAND', call: alone('run', 'nginx', 'sh'), says: [/run/, /argument/] },
  { what: 'run -it', call: alone('run', '-it', 'ID'), says: [/-it|'i'/, /terminal/] },
  { what: 'stop', call: alone('stop', 'ID'), says: [/stop/, /\bkill\b/] },
  { what: 'rm', call: alone('rm', 'ID'), says: [/rm/, /\bdelete\b/] },
  { what: 'logs', call: alone('logs', 'ID'), says: [/logs/, /engine|standard output|no logs/] },
  { what: 'inspect', call: alone('inspect', 'ID'), says: [/inspect/, /\bstate\b/] },
  { what: 'exec without id', call: alone('exec'), says: [/exec/, /argument|ID/] },
  { what: 'kill without id', call: alone('kill'), says: [/kill/, /argument|ID/] },
  {
    what: 'global option after the command',
    call: alone('run', '--debug', '--bundle', 'DIR', 'ID'),
    says: [/debug/, /before the command/],
  },
  { what: 'option of another command', call: alone('state', '--bundle', 'DIR', 'ID'), says: [/-bundle/] },
];

/** The bundle of a user: a user namespace in which only this user is mapped. */
const rootless =
  (change: (config: TestConfig, bundle: Bundle) => void = () => undefined) =>
  (config: TestConfig, bundle: Bundle): void => {
    config.linux = { namespaces: [...config.linux.namespaces, { type: 'user' }] } as typeof config.linux;
    config.linux.uidMappings = [{ containerID: 0, hostID: 1, size: 1 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 1, size: 1 }];
    config.mounts[2]?.options?.splice(-1);
    change(config, bundle);
  };

const byUser = { user: true, words: ['run', '--bundle', 'DIR', 'ID'] } as const;

export const rootlesses: readonly Trigger[] = [
  {
    what: 'user: config of root',
    call: byUser,
    says: [/rootless|user namespace|not allowed/],
    hint: /user namespace|"user"/,
  },
  {
    what: 'user: range that /etc/subuid does not grant',
    make: rootless((config) => config.linux.uidMappings?.push({ containerID: 1, hostID: 900_000, size: 65_536 })),
    call: byUser,
    says: [/uidMappings|newuidmap/, /not allowed/],
    place: '/linux/uidMappings',
    hint: /\/etc\/subuid/,
  },
  {
    what: 'user: id of the host’s root',
    make: rootless((config) => (config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }])),
    call: byUser,
    says: [/uidMappings|newuidmap/, /not allowed/],
    place: '/linux/uidMappings',
    hint: /\/etc\/subuid/,
  },
  {
    what: 'user: XDG_RUNTIME_DIR of another',
    make: rootless(),
    call: { ...byUser, globals: ['--root='], env: { XDG_RUNTIME_DIR: '/run/user/nosuch' } },
    says: [/\/run\/user\/nosuch/, /permission denied/i, /XDG_RUNTIME_DIR/],
  },
  {
    what: 'user: memory limit',
    make: rootless((config) => (config.linux.resources = { memory: { limit: 1 << 26 } })),
    call: byUser,
    says: [/rootless|permission/, /cgroup|limit/],
    never: /no mounted cgroup hierarchy/,
    hint: /leave|delegate/,
    mayWork: true,
  },
  {
    what: 'user: cgroupsPath',
    make: rootless((config) => (config.linux.cgroupsPath = '/rt-test-user/x')),
    call: byUser,
    says: [/rootless|permission/, /cgroup/],
    hint: /leave|delegate/,
    mayWork: true,
  },
  {
    what: 'user: uid not mapped',
    make: rootless((config) => (config.process.user.uid = 1000)),
    call: byUser,
    says: [/1000/, /unmapped|not mapped/],
    place: '/process/user/uid',
    hint: /uidMappings/,
  },
  {
    what: 'user: root filesystem below a folder that may not be entered',
    make: rootless((config) => (config.root.path = '/root/rootfs')),
    call: byUser,
    says: [/permission denied/i, /"?\/root"? \(.*0700/],
    place: '/root/path',
  },
  {
    what: 'user: bind source below a folder that may not be entered',
    make: rootless((config) =>
      config.mounts.push({ destination: '/tmp', type: 'bind', source: '/root/x', options: ['bind'] }),
    ),
    call: byUser,
    says: [/permission denied/i, /"?\/root"? \(.*0700/],
    place: '/mounts/4/source',
  },
  {
    what: 'user: mount point missing in a root filesystem of root',
    make: rootless((config) => config.mounts.push({ destination: '/newdir', type: 'tmpfs', source: 'tmpfs' })),
    call: { ...byUser, env: { RT_ROOT_OWNED: '1' } },
    says: [/\/newdir/, /permission denied/i],
    place: '/mounts/4',
    hint: /mkdir -p ".*newdir".*hostID/,
    mayWork: true,
  },
  {
    what: 'user: device that the host lacks',
    make: rootless((config) => (config.linux.devices = [{ path: '/dev/fuse2', type: 'c', major: 10, minor: 229 }])),
    call: byUser,
    says: [/\/dev\/fuse2/, /no such file/i],
    place: '/linux/devices/0',
    hint: /host/,
    mayWork: true,
  },
  {
    what: 'user: ext4',
    make: rootless((config) => config.mounts.push({ destination: '/tmp', type: 'ext4', source: '/dev/sda1' })),
    call: byUser,
    says: [/ext4/, /user namespace/],
    place: '/mounts/4',
    hint: /bind/,
  },
  {
    what: 'user: systemd without its bus',
    make: rootless((config) => (config.linux.cgroupsPath = 'user.slice:rt:x')),
    call: { ...byUser, globals: ['--systemd-cgroup'] },
    says: [/systemd/, /bus|not run/],
  },
  {
    what: 'user: config.json not readable',
    make: (_, { dir }) => chmodSync(join(dir, 'config.json'), 0o600),
    call: { ...byUser, env: { RT_ROOT_OWNED: '1' } },
    says: [/config\.json/, /permission denied/i, /0600/],
  },
  {
    what: 'user: bundle may not be entered',
    call: { user: true, words: ['run', '--bundle', '/root/bundle', 'ID'] },
    says: [/\/root\/bundle/, /permission denied/i, /"?\/root"? \(.*0700/],
  },
  {
    what: 'user: container of root',
    call: { user: true, state: 'running', words: ['exec', 'ID', 'true'] },
    says: [/permission denied|does not exist/i],
  },
];
