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
  'hostname and domainname have at most 64 bytes, not characters',
  async (t, rt) => {
    const [uts] = await rt.observe<[Uts]>([['uts']], (config) => (config.hostname = 'ä'.repeat(32)));
    t.equal(uts.hostname, 'ä'.repeat(32));
    for (const field of ['hostname', 'domainname'] as const) {
      const { status, stderr } = await rt.run((config) => (config[field] = `${'ä'.repeat(32)}x`));
      t.equal(status, 1, field);
      t.match(stderr, `${field} must have at most 64 bytes, found 65`);
    }
  },
  { oursOnly: 'the words of the message' },
);

forEachRuntime(
  'domainname is set inside',
  async (t, rt) => {
    const [uts] = await rt.observe<[Uts]>([['uts']], (config) => (config.domainname = 'example.org'));
    t.equal(uts.domainname, 'example.org');
  },
  { deviates: { runc: '1.1 has no domainname' } },
);
