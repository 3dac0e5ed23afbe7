import t from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import { config } from '../../test/config.ts';
import { collect } from '../bundle/rules.ts';
import { filesystemOptions, meantFilesystem } from './filesystems.ts';
import { meantOption } from './mount-options.ts';

/** The place of each fault with its cure. */
function faults(mount: object, surely = false): string[] {
  const mounts = [{ destination: '/a', ...mount }] as NonNullable<Config['mounts']>;
  const rule = (value: Config, report: Parameters<typeof filesystemOptions>[1]): void =>
    filesystemOptions(value, report, surely);
  return collect([rule], config({ mounts })).map(({ pointer, hint }) => `${pointer} ${hint}`);
}

t.test('a filesystem that no kernel has, if a known one is close', async (t) => {
  t.equal(meantFilesystem('tmpsf'), 'did you mean tmpfs?');
  t.equal(meantFilesystem('procfs'), 'did you mean proc?');
  t.equal(meantFilesystem('sys'), 'did you mean sysfs?');
  for (const type of ['tmpfs', 'ext3', 'nfs4', 'mine']) t.equal(meantFilesystem(type), undefined, type);
});

t.test('options that the kernel refuses', async (t) => {
  const options = ['ro', 'ron', 'siez=5m', 'size=5x', 'mode=0999', 'noswap=1', 'ro,nosuid', 'xyz'];
  t.strictSame(faults({ type: 'tmpfs', options }), [
    '/mounts/0/options/1 write ro',
    '/mounts/0/options/2 did you mean size=5m?',
    '/mounts/0/options/3 give a number, or one with a suffix k, m, g or, for size, %',
    '/mounts/0/options/4 give an octal mode, such as 1777',
    '/mounts/0/options/5 it takes no value',
    '/mounts/0/options/6 write nosuid as an option by itself, without a comma',
    '/mounts/0/options/7 undefined',
  ]);
  t.equal(faults({ type: 'tmpfs', options }, true).length, 6, 'another kernel may know a word that is like no other');
  t.strictSame(faults({ type: 'proc', options: ['hidpid=2', 'gid'] }), [
    '/mounts/0/options/0 did you mean hidepid=2?',
    '/mounts/0/options/1 give a number',
  ]);
});

t.test('options that some kernel takes', async (t) => {
  const words = ['size=5%', 'size=64M,mode=01777', 'nr_inodes=0x1k', 'uid=0', 'huge=always', 'noswap', 'rootcontext=a'];
  t.strictSame(faults({ type: 'tmpfs', options: ['nosuid', 'sync', 'x-any', 'tmpcopyup', ...words] }), []);
  t.strictSame(faults({ type: 'devpts', options: ['newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] }), []);
  t.strictSame(faults({ type: 'ext4', options: ['any=1'] }), [], 'of a filesystem whose options are not known');
  t.strictSame(faults({ type: 'tmpfs', options: ['bind', 'any'] }), [], 'a bind mount has none');
});

t.test('the shortest options are close to other words', async (t) => {
  for (const word of ['ron', 'or', 'readonly', 'read-only']) t.equal(meantOption(word), 'write ro', word);
  for (const word of ['rww', 'wr', 'readwrite']) t.equal(meantOption(word), 'write rw', word);
  t.equal(meantOption('x'), undefined);
});
