import t from 'tap';
import type { Native } from '../host/native.ts';
import type { Diagnostic } from './diagnostic.ts';
import { explainRefusal } from './refused-call.ts';

function hostWith(release: string, seccomp: number, capabilities = '0'): Native {
  const native: Partial<Native> = {
    kernel: () => `${release}\0x86_64\0`,
    readText: () => `Name:\trt\nCapEff:\t${capabilities}\nSeccomp:\t${seccomp}\nSeccomp_filters:\t1\n`,
  };
  return native as Native;
}

const failed = (errno: string, syscall: string, hint?: string): Diagnostic => ({
  code: 'launch.clone',
  message: 'cannot start',
  errno,
  syscall,
  ...(hint === undefined ? {} : { hint }),
});

t.test('explainRefusal: a call that the kernel does not have', async (t) => {
  const of = (native: Native, syscall: string, hint?: string): string | undefined =>
    explainRefusal(native, failed('ENOSYS', syscall, hint)).hint;
  for (const release of ['5.10.0-32-cloud-amd64', '5.13.19', '4.4.0', '5.4'])
    t.equal(of(hostWith(release, 2), 'openat2', 'own'), `the kernel is ${release}: rt needs Linux 5.14 or newer`);
  t.match(of(hostWith('6.1.0', 0), 'mount_setattr', 'drop the field'), /^use a kernel with .*; or drop the field$/);
  t.match(of(hostWith('6.1.0', 2), 'openat2'), /^allow openat2 in the seccomp filter around rt \(Seccomp: 2 /);
  t.match(of(hostWith('6.1.0', 2), 'sethostname'), /^allow sethostname in the seccomp filter around rt/);
  t.match(of(hostWith('6.1.0', 0), 'openat2'), /^use a kernel with openat2: this one, 6.1.0, was built without it/);
});

t.test('explainRefusal: a call without its newer flags', async (t) => {
  const of = (release: string): string | undefined =>
    explainRefusal(hostWith(release, 0), failed('EINVAL', 'close_range', 'own')).hint;
  t.match(of('5.10.0'), /^the kernel is 5.10.0: rt needs/);
  for (const release of ['5.14.0', '5.15.0-1-generic', '7.2.13+deb14', '10.0.0']) t.equal(of(release), 'own', release);
});

t.test('explainRefusal: a call that is not permitted', async (t) => {
  const of = (native: Native, syscall: string): string | undefined =>
    explainRefusal(native, failed('EPERM', syscall, 'needs root')).hint;
  const admin = '00200000';
  t.match(
    of(hostWith('6.1.0', 2, admin), 'clone3'),
    /^allow clone3 in the seccomp filter around rt/,
    'root needs no root',
  );
  t.match(of(hostWith('6.1.0', 2), 'clone3'), /^needs root; the seccomp filter around rt .* may refuse clone3, too$/);
  t.match(of(hostWith('6.1.0', 2, admin), 'move_mount'), /^needs root; the seccomp filter/);
  t.equal(of(hostWith('6.1.0', 0, admin), 'clone3'), 'needs root', 'no filter');
  t.equal(of(hostWith('6.1.0', 2, admin), 'setgroups'), 'needs root', 'a call with many reasons');
  t.equal(explainRefusal(hostWith('6.1.0', 2), failed('EINVAL', 'clone3')).hint, undefined);
});
