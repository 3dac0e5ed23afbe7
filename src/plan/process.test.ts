import t from 'tap';
import { capabilityMask } from '../bundle/capabilities.ts';
import { environment, programOps } from './process.ts';

t.test('environment: the last value of a name is kept at its position, an empty HOME is dropped', async (t) => {
  t.strictSame(environment(['A=1', 'B=2', 'A=3', 'HOME=']), ['B=2', 'A=3']);
  t.strictSame(environment(undefined), []);
});

t.test('programOps: HOME is looked up unless it is given', async (t) => {
  const home = (env?: string[]): boolean =>
    programOps({ cwd: '/', args: ['a'], ...(env === undefined ? {} : { env }) }).some(({ op }) => op === 'find_home');
  t.equal(home(['A=1']), true);
  t.equal(home(['HOME=']), true);
  t.equal(home(['HOME=/x']), false);
  t.equal(home(), true);
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
