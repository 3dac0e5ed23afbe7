import { chmodSync, chownSync, readFileSync } from 'node:fs';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Text } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

forEachRuntime('linux.sysctl: values of private namespaces are set inside, not outside', async (t, rt) => {
  const before =
    readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8') + readFileSync('/proc/sys/kernel/shmmni', 'utf8');
  const lines = await rt.observe<Text[]>(
    [
      ['read', '/proc/sys/net/ipv4/ip_unprivileged_port_start'],
      ['read', '/proc/sys/net/ipv4/ping_group_range'],
      ['read', '/proc/sys/kernel/shmmni'],
      ['read', '/proc/sys/fs/mqueue/msg_max'],
      ['read', '/proc/sys/kernel/domainname'],
    ],
    (config) => {
      config.linux.sysctl = {
        'net.ipv4.ip_unprivileged_port_start': '1000',
        'net.ipv4.ping_group_range': '0 2147483647',
        'kernel.shmmni': '123',
        'fs.mqueue.msg_max': '11',
        'kernel.domainname': 'example.org',
      };
    },
  );
  t.strictSame(
    lines.map(({ text }) => text.trim().replaceAll(/\s+/g, ' ')),
    ['1000', '0 2147483647', '123', '11', 'example.org'],
  );
  t.equal(
    readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8') + readFileSync('/proc/sys/kernel/shmmni', 'utf8'),
    before,
  );
});

forEachRuntime(
  'linux.sysctl: limits of a user namespace are set in a new one',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      addUserNamespace(config);
      config.linux.sysctl = { 'user.max_ipc_namespaces': '7', 'net.ipv4.conf.lo.arp_announce': '2' };
    });
    for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
    chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
    const lines = await rt.observeBundle<Text[]>(bundle, [
      ['read', '/proc/sys/user/max_ipc_namespaces'],
      ['read', '/proc/sys/net/ipv4/conf/lo/arp_announce'],
    ]);
    t.strictSame(
      lines.map(({ text }) => text),
      ['7\n', '2\n'],
    );
  },
  { deviates: { crun: '1.8 sets it with other rights', runc: '1.1 sets it with other rights' } },
);

forEachRuntime(
  'linux.sysctl: an unknown parameter or an invalid value is refused with its place',
  async (t, rt) => {
    for (const [key, value, words] of [
      ['net.ipv4.nosuch', '1', /no such file or directory/],
      ['net.ipv4.ip_unprivileged_port_start', 'many', /invalid argument/],
      ['user.max_ipc_namespaces', '1', /setting ucounts without a user namespace not allowed/],
    ] as const) {
      const outcome = await rt.run((config) => (config.linux.sysctl = { [key]: value }));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, new RegExp(`config\\.json:\\d+:\\d+  /linux/sysctl/${key}`));
    }
  },
  { oursOnly: 'messages of this project' },
);

for (const [key, value, drop] of [
  ['net.ipv4.ip_forward', '1', 'network'],
  ['kernel.shmmni', '1', 'ipc'],
  ['fs.mqueue.msg_max', '1', 'ipc'],
  ['kernel.domainname', 'x', 'uts'],
  ['kernel.core_pattern', '|/x', undefined],
  ['kernel.hostname', 'x', undefined],
  ['vm.swappiness', '1', undefined],
  ['net/../kernel/core_pattern', '|/x', undefined],
  ['net.../.../kernel.core_pattern', '|/x', undefined],
  ['kernel.shm_rmid_forced', '1+kernel.core_pattern=|/x', undefined],
] as const) {
  forEachRuntime(
    `linux.sysctl: ${key}=${value} is refused${drop === undefined ? '' : ` without a ${drop} namespace`}`,
    async (t, rt) => {
      const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
      const outcome = await rt.run((config) => {
        config.linux.sysctl = { [key]: value };
        if (drop !== undefined) changeNamespace(config, drop);
        if (drop === 'uts') delete config.hostname;
      });
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, 'sysctl');
      t.match(outcome.stderr.replaceAll('/', '.'), key.replaceAll('/', '.').slice(0, 10));
      t.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), pattern);
    },
    { deviates: { crun: 'other rules', ...(/rmid|\.\./.test(key) ? { runc: 'other messages' } : {}) } },
  );
}
