import { readFileSync } from 'node:fs';
import { forEachRuntime } from '../harness/runtimes.ts';

interface Uts {
  hostname: string;
  domainname: string;
}

forEachRuntime('hostname is set inside and unchanged outside', async (t, rt) => {
  const before = readFileSync('/proc/sys/kernel/hostname', 'utf8');
  const [uts] = await rt.observe<[Uts]>([['uts']], (config) => (config.hostname = 'some-host.example'));
  t.equal(uts.hostname, 'some-host.example');
  t.equal(readFileSync('/proc/sys/kernel/hostname', 'utf8'), before);
});

forEachRuntime('hostname of 64 characters is the longest', async (t, rt) => {
  const [uts] = await rt.observe<[Uts]>([['uts']], (config) => (config.hostname = 'h'.repeat(64)));
  t.equal(uts.hostname, 'h'.repeat(64));
});

forEachRuntime(
  'domainname is set inside',
  async (t, rt) => {
    const [uts] = await rt.observe<[Uts]>([['uts']], (config) => (config.domainname = 'example.org'));
    t.equal(uts.domainname, 'example.org');
  },
  { deviates: { runc: '1.1 has no domainname' } },
);
