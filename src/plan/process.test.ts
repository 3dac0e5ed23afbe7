import t from 'tap';
import { capabilityMask } from './capabilities.ts';
import { cpuWeight } from './cgroup/v2.ts';
import { deviceLines } from './cgroup/devices.ts';
import { normalizePath } from './path.ts';
import { environment, programOps } from './process.ts';

t.test('environment: the last value of a name survives at its own place, an empty HOME is dropped', async (t) => {
  t.strictSame(environment(['A=1', 'B=2', 'A=3', 'HOME=']), ['B=2', 'A=3']);
  t.strictSame(environment(undefined), []);
});

t.test('programOps: HOME is looked up unless it is given or there is no env at all', async (t) => {
  const home = (env?: string[]): boolean =>
    programOps({ cwd: '/', args: ['a'], ...(env === undefined ? {} : { env }) }).some(({ op }) => op === 'find_home');
  t.equal(home(['A=1']), true);
  t.equal(home(['HOME=']), true);
  t.equal(home(['HOME=/x']), false);
  t.equal(home(), false);
});

t.test('programOps: the last PATH of the environment is searched', async (t) => {
  t.match(programOps({ cwd: '/', args: ['a'], env: ['PATH=/a', 'PATH=/b', 'HOME=/'] }), [
    { op: 'find_program', name: 'a', search: '/b' },
  ]);
});

t.test('capabilityMask: bits of both halves', async (t) => {
  t.equal(capabilityMask(['CAP_CHOWN', 'CAP_SETFCAP', 'CAP_CHECKPOINT_RESTORE']), 1n | (1n << 31n) | (1n << 40n));
  t.equal(capabilityMask([]), 0n);
});

t.test('cpuWeight: defaults correspond, ends are kept', async (t) => {
  t.equal(cpuWeight(1024), 100);
  t.equal(cpuWeight(2), 1);
  t.equal(cpuWeight(262144), 10000);
  t.ok(cpuWeight(512) < 100 && cpuWeight(2048) > 100);
});

t.test('deviceLines: a list of what is allowed, whatever it begins with', async (t) => {
  t.equal(deviceLines([{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }])[0], '-a');
  t.ok(deviceLines([{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }]).includes('+c 10:229 rw'));
  t.ok(deviceLines([]).includes('+c 1:3 rwm'), 'the default devices');
  t.strictSame(deviceLines([{ allow: true, access: 'rwm' }]), ['+a']);
  t.equal(
    deviceLines([
      { allow: true, access: 'rwm' },
      { allow: false, access: 'rwm' },
    ])[0],
    '-a',
    'the last one wins',
  );
  t.ok(deviceLines([{ allow: true, type: 'b', major: 8, minor: -1, access: 'r' }]).includes('+b 8:* r'));
});

t.test('normalizePath: never leaves the root', async (t) => {
  t.equal(normalizePath('/a/./b//c/../d/'), '/a/b/d');
  t.equal(normalizePath('/../../x'), '/x');
  t.equal(normalizePath('x'), '/x');
  t.equal(normalizePath('/'), '/');
});
