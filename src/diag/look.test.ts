import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { O_NOFOLLOW } from '../kernel/open-flags.ts';
import { lookAhead } from './look.ts';
import type { Rights } from './look.ts';

/** O_PATH, which Node does not name. */
const pathOnly = 1 << 21;

function failing<Result>(call: () => Result): Result | number {
  try {
    return call();
  } catch (error) {
    return (error as { errno?: number }).errno ?? -ENOENT;
  }
}

/** The host, with an access control list on the file named `listed`. */
function nativeWith(listed: string): Native {
  const native: Partial<Native> = {
    open: (path, flags) =>
      failing(() => openSync(path, pathOnly | ((flags & O_NOFOLLOW) === 0 ? 0 : constants.O_NOFOLLOW))),
    close: (fd) => (closeSync(fd), 0),
    statAt: (fd) => {
      const { mode, uid, gid } = fstatSync(fd);
      return [mode, uid, gid];
    },
    readLink: (path) => failing(() => readlinkSync(path)),
    readDirectory: (path) => readdirSync(path).join('\0'),
    readText: (path) => failing(() => readFileSync(path, 'utf8')),
    readFdBytes: () => Uint8Array.of(0x23, 0x21).buffer,
    hasAttribute: (path) => Number(readlinkSync(path).endsWith(listed)),
  };
  return native as Native;
}

const nobody: Rights = { uid: 4711, gid: 4711, groups: [], capabilities: 0n, mapped: [[0, 2 ** 32]] };

t.test('lookAhead: mounts that have yet to be made', async (t) => {
  const root = t.testdir({ bin: { app: '' }, other: { tool: '' }, one: '' });
  symlinkSync('/bin', `${root}/link`);
  symlinkSync('/etc/passwd', `${root}/bin/escape`);
  symlinkSync('/bin/second', `${root}/bin/first`);
  symlinkSync('first', `${root}/bin/second`);
  const look = lookAhead(nativeWith('none'), root, undefined);
  t.match(look.at('/bin/first'), { kind: 'loop', path: /^\/bin\/(?:first|second)$/ });
  t.match(look.mount('/bin/first/x', { source: root, noexec: undefined }), { kind: 'loop' });
  t.match(look.at('/bin/../../../bin/app'), { kind: 'file', path: '/bin/app' });
  t.match(look.at('/bin/escape'), { kind: 'missing', link: ['/bin/escape', '/etc/passwd'] }, 'not that of the host');
  t.match(look.mount('/link', { source: `${root}/other`, noexec: undefined }), { kind: 'directory', path: '/bin' });
  t.match(look.at('/bin/tool'), { kind: 'file', file: { noexec: undefined } }, 'the mount is where the link leads');
  t.match(look.at('/bin/app'), { kind: 'missing' }, 'the mount hides it');
  t.match(look.mount('/new/deep/place', { source: `${root}/bin`, noexec: true }), { kind: 'missing' });
  t.match(look.at('/new/deep/place/app'), { kind: 'file', file: { noexec: '/new/deep/place' } });
  t.match(look.at('/new/deep/other'), { kind: 'missing', path: '/new/deep/other' });
  t.match(look.mount('/one', { source: `${root}/one`, noexec: undefined }), { kind: 'file' });
  look.mount('/new', { source: undefined, noexec: undefined });
  t.match(look.at('/new/deep/place/app'), { kind: 'unknown' }, 'a new filesystem hides the mounts below');
});

t.test('lookAhead: an empty filesystem', async (t) => {
  const root = t.testdir({ srv: { app: 'x' }, other: { app: 'x' } });
  const look = lookAhead(nativeWith('none'), root, undefined);
  t.match(look.at('/srv/app'), { kind: 'file' });
  look.mount('/srv', { source: undefined, noexec: undefined, isEmpty: true });
  t.match(look.at('/srv'), { kind: 'directory', path: '/srv' });
  t.match(look.at('/srv/app'), { kind: 'missing', path: '/srv/app' });
  look.mount('/srv/inner', { source: `${root}/other`, noexec: undefined });
  t.match(look.at('/srv/inner/app'), { kind: 'file' });
  t.match(look.at('/srv/app'), { kind: 'missing', path: '/srv/app' });
});

t.test('lookAhead: a link is named only if its own target is missing', async (t) => {
  const root = t.testdir({ usr: { bin: { sleep: '' } } });
  symlinkSync('usr/bin', `${root}/bin`);
  symlinkSync('bin/none', `${root}/outer`);
  symlinkSync('usr/none', `${root}/inner`);
  symlinkSync('inner', `${root}/chain`);
  const look = lookAhead(nativeWith('none'), root, undefined);
  const at = (path: string): unknown => look.at(path);
  t.strictSame(at('/bin/slep'), { kind: 'missing', path: '/usr/bin/slep', written: '/bin/slep' });
  t.strictSame(at('/bin/none/deep'), { kind: 'missing', path: '/usr/bin/none', written: '/bin/none' });
  t.strictSame(at('/outer'), { kind: 'missing', path: '/usr/bin/none', link: ['/outer', 'bin/none'] });
  t.strictSame(at('/chain/x'), { kind: 'missing', path: '/usr/none', link: ['/inner', 'usr/none'] });
});

t.test('lookAhead: the path of the host for what cannot be executed', async (t) => {
  const root = t.testdir({ bin: { app: '' }, other: { tool: '' } });
  const look = lookAhead(nativeWith('none'), root, undefined);
  look.mount('/mnt', { source: `${root}/other`, noexec: undefined });
  look.mount('/mnt/app', { source: `${root}/bin/app`, noexec: undefined });
  const hostOf = (path: string): unknown => (look.at(path) as { file?: { host?: string } }).file?.host;
  t.equal(hostOf('/bin/app'), `${root}/bin/app`);
  t.equal(hostOf('/mnt/tool'), `${root}/other/tool`);
  t.equal(hostOf('/mnt/app'), `${root}/bin/app`);
  t.equal(hostOf('/bin'), undefined, 'it can be entered');
});

t.test('lookAhead: rights', async (t) => {
  const root = t.testdir({ closed: { app: '' }, listed: { app: '' } });
  for (const name of ['closed', 'listed']) {
    mkdirSync(`${root}/${name}/inner`, { mode: 0o700 });
    writeFileSync(`${root}/${name}/inner/app`, '', { mode: 0o755 });
  }
  const look = lookAhead(nativeWith('listed/inner'), root, nobody);
  t.match(look.at('/closed/inner/app'), { kind: 'closed', path: '/closed/inner', file: { mode: 0o700 } });
  t.match(look.at('/listed/inner/app'), { kind: 'file' }, 'the access control list may allow it');
  t.match(look.at('/closed/app'), { kind: 'file', file: { executable: false } });
  const may = lookAhead(nativeWith('none'), root, { ...nobody, capabilities: 1n << 1n });
  t.match(may.at('/closed/inner/app'), { kind: 'file' }, 'CAP_DAC_OVERRIDE');
  const unmapped = lookAhead(nativeWith('none'), root, { ...nobody, capabilities: 1n << 1n, mapped: [[100_000, 10]] });
  t.match(unmapped.at('/closed/inner/app'), { kind: 'closed' }, 'not over files of ids that are not mapped');
});
