import t from 'tap';
import type { LinuxDeviceCgroup } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import { deviceLines } from './device-lines.ts';

function lines(...rules: LinuxDeviceCgroup[]): string[] {
  const faults: Diagnostic[] = [];
  const made = deviceLines(rules, faults);
  t.strictSame(faults, []);
  return made;
}

function faultsOf(...rules: LinuxDeviceCgroup[]): Diagnostic[] {
  const faults: Diagnostic[] = [];
  deviceLines(rules, faults);
  return faults;
}

const all = { access: 'rwm' };

t.test('deviceLines: an allow-list, regardless of its first rule', async (t) => {
  const made = lines({ allow: true, type: 'c', major: 10, minor: 229, access: 'wr' });
  t.equal(made[0], '-a');
  t.ok(made.includes('+c 10:229 rw'));
  t.ok(lines().includes('+c 1:3 rwm'), 'the default devices');
  t.strictSame(lines({ allow: true, ...all }), ['+a']);
  t.equal(lines({ allow: true, ...all }, { allow: false, ...all })[0], '-a', 'the last one wins');
  t.ok(lines({ allow: true, type: 'b', major: 8, minor: -1, access: 'r' }).includes('+b 8:* r'));
});

t.test('deviceLines: a rule for all types but not every access becomes one for each type', async (t) => {
  const made = lines({ allow: true, access: 'r' });
  t.equal(made[0], '-a');
  t.ok(made.includes('+b *:* rm') && made.includes('+c *:* rm'), 'with the default that nodes may be made');
});

t.test('deviceLines: a later rule revokes what an earlier one allowed', async (t) => {
  const disk = { type: 'b', major: 8, minor: 1 };
  const allowed = { allow: true, ...disk, access: 'rw' };
  t.notMatch(lines(allowed, { allow: false, ...disk, access: 'rw' }).join(), '8:1');
  t.ok(lines(allowed, { allow: false, ...disk, access: 'w' }).includes('+b 8:1 r'));
  t.notMatch(lines(allowed, { allow: false, type: 'b', major: 8, access: 'rwm' }).join(), '8:1', 'a wider one too');
  t.match(lines({ allow: true, ...all }, { allow: false, ...disk, access: 'w' }), ['+a', '-b 8:1 w']);
});

t.test('deviceLines: an exception in a wildcard, which the kernel would ignore, is a fault', async (t) => {
  const terminals = { type: 'c', major: 4, access: 'rw' };
  t.match(faultsOf({ allow: true, ...terminals }, { allow: false, ...terminals, minor: 5 }), [
    {
      code: 'device.hole',
      message: 'cannot deny c 4:5 rw: cgroup v1 has no exception from the rule for c 4:* rw before it',
      pointer: '/linux/resources/devices/1',
    },
  ]);
  t.match(faultsOf({ allow: true, ...all }, { allow: false, ...terminals }, { allow: true, ...terminals, minor: 5 }), [
    { message: /^cannot allow c 4:5 rw/, pointer: '/linux/resources/devices/2' },
  ]);
  t.match(faultsOf({ allow: true, ...all }, { allow: false, type: 'c', access: 'rw' }), [
    { message: /^cannot deny c \*:\* rw and leave c 1:3 rwm to the container/ },
  ]);
  t.strictSame(
    faultsOf({ allow: true, ...terminals }, { allow: false, type: 'c', major: 4, minor: 5, access: 'm' }),
    [],
    'no hole where the accesses differ',
  );
});
