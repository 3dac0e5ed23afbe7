import t from 'tap';
import { sysctlPath } from './sysctl.ts';

t.test('sysctlPath: the first separator determines which character separates', async (t) => {
  t.equal(sysctlPath('net.ipv4.ip_forward'), 'net/ipv4/ip_forward');
  t.equal(sysctlPath('net/ipv4/conf/eth0.1/forwarding'), 'net/ipv4/conf/eth0.1/forwarding');
  t.equal(sysctlPath('net.ipv4.conf.eth0/1.forwarding'), 'net/ipv4/conf/eth0.1/forwarding');
});

t.test('sysctlPath: never leads out of its first directory', async (t) => {
  for (const name of [
    '',
    'kernel',
    '.a',
    'a.',
    '/a/b',
    'net//b',
    'net/./b',
    'net/../kernel/panic',
    'net.//.kernel.panic',
  ]) {
    t.equal(sysctlPath(name), undefined, name);
  }
});
