import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { guestProgram } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

const unknown = { runc: '1.1 has no netDevices', crun: '1.8 has no netDevices' };

interface Link {
  ifname: string;
  mtu: number;
  flags: string[];
  addr_info: { family: string; local: string; prefixlen: number; scope: string; label?: string; peer?: string }[];
}

/**
 * Runs a container in a shell script with its own network namespace, so that only it uses the devices. `$RUN` is the
 * command that runs the container; `$IP` prints all links as one line of JSON.
 */
async function inNetwork(rt: Sandbox, script: string, mutate: Mutation): Promise<Outcome> {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/busybox', 'ip', 'addr'];
    mutate(config);
  });
  const file = join(rt.dir, 'script');
  const command = rt.argv('run', '--bundle', bundle.dir, rt.nextId()).join(' ');
  writeFileSync(file, `#!/bin/sh\nRUN='${command}'\nIP='ip -j addr show'\n${script}\n`);
  chmodSync(file, 0o755);
  return run(['unshare', '--net', file], { env: rt.env });
}

/** A pair of devices: `outside` is given to containers, `peer` stays. */
const setUp = `
ip link add outside type veth peer name peer
ip link set outside mtu 1400
ip addr add 192.0.2.7/24 dev outside
ip addr add 198.51.100.1 peer 198.51.100.2/32 dev outside
ip -6 addr add 2001:db8::7/64 dev outside nodad
ip link set outside up
ip link set peer up
ip addr add 192.0.2.1/24 dev peer
`;

function links(line: string | undefined): Link[] {
  return (JSON.parse(line ?? '[]') as Partial<Link>[]).filter((link): link is Link => link.ifname !== undefined);
}

forEachRuntime(
  'linux.netDevices moves a device with its addresses and MTU, and brings it up',
  async (t, rt) => {
    const outcome = await inNetwork(rt, `${setUp}$RUN; $IP`, (config) => (config.linux.netDevices = { outside: {} }));
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(outcome.stdout, /outside@[^:]*: <[^>]*\bUP\b[^>]*> mtu 1400/);
    t.match(outcome.stdout, /inet 192\.0\.2\.7\/24 (brd \S+ )?scope global outside/);
    t.match(outcome.stdout, /inet 198\.51\.100\.1 peer 198\.51\.100\.2\/32 scope global outside/);
    t.match(outcome.stdout, /inet6 2001:db8::7\/64 scope global/);
    const left = links(outcome.stdout.trimEnd().split('\n').at(-1)).map(({ ifname }) => ifname);
    t.notOk(left.includes('outside'), 'it is gone from the host');
  },
  { deviates: unknown },
);

forEachRuntime(
  'linux.netDevices.name is the name in the container, which reaches the host through it',
  async (t, rt) => {
    const outcome = await inNetwork(rt, `${setUp}$RUN`, (config) => {
      grantCapabilities(config, 'CAP_NET_RAW');
      config.linux.netDevices = { outside: { name: 'eth0' } };
      const inside = 'busybox ip addr show eth0; busybox ping -c 1 -W 5 192.0.2.1';
      config.process.args = ['/bin/busybox', 'sh', '-c', inside];
    });
    t.match(outcome.stdout, /eth0@[^:]*: /);
    t.match(outcome.stdout, /scope global eth0/);
    t.notMatch(outcome.stdout, 'outside', 'no label keeps the old name');
    t.match(outcome.stdout, '1 packets received', outcome.stdout);
    t.equal(outcome.status, 0, outcome.stderr);
  },
  { deviates: unknown },
);

forEachRuntime(
  'linux.netDevices are moved before the hooks of the runtime namespace',
  async (t, rt) => {
    const seen = join(rt.dir, 'seen');
    const hook = join(rt.dir, 'hook');
    writeFileSync(hook, `#!/bin/sh\nip -j link show > ${seen}\n`);
    chmodSync(hook, 0o755);
    const outcome = await inNetwork(rt, `${setUp}$RUN`, (config) => {
      config.linux.netDevices = { outside: {} };
      config.hooks = { createRuntime: [{ path: hook, env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] }] };
    });
    t.equal(outcome.status, 0, outcome.stderr);
    const names = links(readFileSync(seen, 'utf8')).map(({ ifname }) => ifname);
    t.ok(names.includes('peer') && !names.includes('outside'), names.join());
  },
  { deviates: unknown },
);

forEachRuntime(
  'linux.netDevices are moved to a namespace given by path',
  async (t, rt) => {
    const pin = join(rt.dir, 'pinned');
    const script = `${setUp}touch ${pin}; unshare --net=${pin} true; $RUN; nsenter --net=${pin} $IP; umount ${pin}`;
    const outcome = await inNetwork(rt, script, (config) => {
      changeNamespace(config, 'network', pin);
      config.linux.netDevices = { outside: { name: 'inner' } };
    });
    t.match(outcome.stdout, /inner@[^:]*: /, outcome.stderr);
    const after = links(outcome.stdout.trimEnd().split('\n').at(-1)).map(({ ifname }) => ifname);
    t.ok(after.includes('inner'), 'it stays there after the container');
  },
  { deviates: unknown },
);

/** The devices on the host after a failed start, as before. */
function asBefore(t: Test, outcome: Outcome): void {
  const after = links(outcome.stdout.trimEnd().split('\n').at(-1));
  const device = after.find(({ ifname }) => ifname === 'outside');
  t.ok(device?.flags.includes('UP'), 'the device is back and up');
  t.equal(device?.mtu, 1400);
  const global = device?.addr_info.filter(({ scope }) => scope === 'global').map(({ local }) => local);
  t.strictSame(global?.sort(), ['192.0.2.7', '198.51.100.1', '2001:db8::7']);
}

forEachRuntime(
  'linux.netDevices: a start that fails later returns the devices',
  async (t, rt) => {
    const failing: readonly (readonly [what: string, mutate: Mutation, words: RegExp])[] = [
      [
        'a second device that is missing',
        (config) => (config.linux.netDevices = { outside: { name: 'eth0' }, missing: {} }),
        /cannot move network device "missing" into the container: no such device.*\/linux\/netDevices\/missing/s,
      ],
      [
        'a program that is missing',
        (config) => {
          config.linux.netDevices = { outside: { name: 'eth0' } };
          config.process.args = ['/nosuch'];
        },
        /exec: "\/nosuch"/,
      ],
      [
        'a hook that fails',
        (config) => {
          config.linux.netDevices = { outside: {} };
          config.hooks = { createRuntime: [{ path: '/bin/false' }] };
        },
        /hook/,
      ],
    ];
    for (const [what, mutate, words] of failing) {
      const outcome = await inNetwork(rt, `${setUp}$RUN; $IP`, mutate);
      t.match(outcome.stderr, words, what);
      asBefore(t, outcome);
    }
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'linux.netDevices: if a name is in use in the container, nothing is moved',
  async (t, rt) => {
    const pin = join(rt.dir, 'pinned');
    const prepare = `touch ${pin}; unshare --net=${pin} ip link add eth0 type bridge;`;
    const outcome = await inNetwork(rt, `${setUp}${prepare} $RUN; umount ${pin}; $IP`, (config) => {
      changeNamespace(config, 'network', pin);
      config.linux.netDevices = { outside: { name: 'eth0' } };
    });
    t.match(outcome.stderr, /cannot move network device "outside" into the container: file exists/);
    t.match(outcome.stderr, /\/linux\/netDevices\/outside\/name\n.*hint: the container already has a device "eth0"/s);
    asBefore(t, outcome);
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'linux.netDevices: a device that cannot be moved, or an invalid entry, is refused and named',
  async (t, rt) => {
    const long = 'a'.repeat(16);
    const cases: readonly (readonly [mutate: Mutation, words: RegExp])[] = [
      [(config) => (config.linux.netDevices = { lo: { name: 'lo1' } }), /network device "lo".*: invalid argument/],
      [(config) => (config.linux.netDevices = { [long]: {} }), /must be the name of a network device, found "a{16}"/],
      [(config) => (config.linux.netDevices = { x: { name: 'a/b' } }), /linux\.netDevices\["x"\]\.name must be/],
      [(config) => (config.linux.netDevices = { x: { name: 'eth%d' } }), /must be the name of a network device/],
      [
        (config) => (config.linux.netDevices = { x: { name: 'y' }, y: {} }),
        /two of linux\.netDevices would be named "y" in the container/,
      ],
      [(config) => (config.linux.netDevices = { x: { name: 7 as unknown as string } }), /must be a string, found 7/],
      [
        (config) => {
          changeNamespace(config, 'network');
          config.linux.netDevices = { x: {} };
        },
        /unable to move network devices without a private NET namespace/,
      ],
    ];
    for (const [mutate, words] of cases) {
      const outcome = await inNetwork(rt, '$RUN', mutate);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
    }
    const same = await inNetwork(rt, '$RUN', (config) => {
      changeNamespace(config, 'network', '/proc/self/ns/net');
      config.linux.netDevices = { lo: {} };
    });
    t.match(same.stderr, /"lo" into the container: its network namespace is that of rt/);
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'linux.netDevices without setns is refused',
  async (t, rt) => {
    const deny = guestProgram('deny');
    const outcome = await inNetwork(rt, `${setUp}${deny} setns $RUN; $IP`, (config) => {
      config.linux.netDevices = { outside: {} };
    });
    t.match(outcome.stderr, /cannot move network device "outside" into the container: function not implemented/);
    asBefore(t, outcome);
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'linux.netDevices: a returned device is as before: down or up, with labels and addresses of every scope',
  async (t, rt) => {
    const more = `
ip link add idle type veth peer name other
ip addr add 203.0.113.1/24 dev idle
ip addr add 203.0.113.9/24 dev idle label idle:9
ip addr add 169.254.7.7/16 scope link dev idle
ip addr add 192.0.2.99/24 dev outside label outside:x
`;
    const show = 'ip -o addr show dev idle; ip -o addr show dev outside; ip -o link show up | cut -d" " -f2 | sort';
    const script = `${setUp}${more}show() { ${show}; }
plain() { sed 's/^[0-9]*: //; s/ tentative//'; }
show | plain >"$0.before"; $RUN; show | plain >"$0.after"
diff "$0.before" "$0.after" && echo same; grep -c . "$0.before"`;
    for (const name of ['', 'eth9']) {
      const outcome = await inNetwork(rt, script, (config) => {
        config.linux.netDevices = { idle: { name }, outside: {} };
        config.process.args = ['/nosuch'];
      });
      t.match(outcome.stderr, /nosuch/);
      t.match(outcome.stdout, /^same\n\d\d?\n$/, `${outcome.stdout}${outcome.stderr}`);
    }
  },
  { oursOnly: 'not promised by others' },
);
