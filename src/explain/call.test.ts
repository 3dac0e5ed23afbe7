import t from 'tap';
import type { LinuxSeccomp } from '../../schema/generated/config.ts';
import { explainCall } from './call.ts';

const section: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 13,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  syscalls: [
    { names: ['read', 'mount'], action: 'SCMP_ACT_ALLOW' },
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 0x1002_0000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    },
    { names: ['kill'], action: 'SCMP_ACT_KILL_PROCESS', args: [{ index: 1, value: 9, op: 'SCMP_CMP_EQ' }] },
  ],
};
const text = JSON.stringify({ linux: { seccomp: section } }, null, 2);
const explain = (name: string, of: LinuxSeccomp | undefined = section): string =>
  explainCall(of, name, 'x86_64', { text, name: 'config.json' });

t.test('explainCall: the rules of each architecture, in words and with places', (t) => {
  t.match(
    explain('mount'),
    /^mount, x86_64, number 165\n {2}is allowed {2}\[config.json:11:9\]\nmount, x86, number 21\n/,
  );
  t.equal(
    explain('kill').split('\nkill')[0],
    'kill, x86_64, number 62\n' +
      '  ends its process with SIGSYS if argument 1 == SIGKILL  [config.json:32:9]\n' +
      '  otherwise it fails with EACCES (permission denied), the default  [config.json:4:7]',
  );
  t.match(explain('clone'), 'is allowed if argument 0 & CLONE_NEWNS|CLONE_NEWUSER == 0x0');
  t.match(explain('chdir'), '  fails with EACCES (permission denied), the default  [config.json:4:');
  t.end();
});

t.test('explainCall: calls that are newer, absent or misspelt, and no profile', (t) => {
  t.match(
    explain('mseal'),
    'fails with ENOSYS (function not implemented), as the profile names no call that is as new',
  );
  t.match(explain('mmap2'), 'mmap2, x86_64: there is no such call\nmmap2, x86, number 192\n');
  t.throws(() => explain('muont'), /unknown system call "muont"/);
  t.match(explainCall(undefined, 'mount', 'x86_64', { text, name: '' }), 'mount is allowed: there is no linux.seccomp');
  t.end();
});
