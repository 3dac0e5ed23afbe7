import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import { config } from '../../test/config.ts';
import { describeConfig } from './describe.ts';
import { explanationData, explanationText } from './render.ts';

const text = readFileSync(new URL('../../conformance/configs/kubernetes.json', import.meta.url), 'utf8');
const kubernetes = describeConfig(JSON.parse(text) as Config);
const said = (list: readonly { readonly text: string }[]): string => list.map((statement) => statement.text).join('\n');

t.test('what a container runs', async (t) => {
  t.equal(
    said(kubernetes.runs),
    [
      '/usr/bin/server --listen=:8080 --config=/etc/server/config.yaml',
      'as user 1000, group 1000, groups 1000, 2000, umask 0022',
      'in "/srv", with 8 variables in its environment',
      'with the standard streams of its caller',
    ].join('\n'),
  );
  const quoted = describeConfig(config({ process: { cwd: '/', args: ['sh', '-c', "it's"], terminal: true } }));
  t.match(said(quoted.runs), `sh -c 'it'\\''s', looked up in the default PATH`);
  t.match(said(quoted.runs), 'on a terminal');
  t.match(said(describeConfig({ ociVersion: '1.3.0' }).runs), 'no program');
});

t.test('what it sees', async (t) => {
  const sees = said(kubernetes.sees);
  for (const words of [
    '"rootfs" as /, read-only',
    'a new proc on "/proc": nosuid, noexec, nodev',
    'etc-hosts" of the host on "/etc/hosts": rprivate, rw',
    'new namespaces: mount, cgroup, pid',
    'the existing network namespace "/proc/4242/ns/net"',
    'namespaces of the host: user, time',
    'the device "/dev/fuse" (c 10:229)',
    'read-only: /proc/bus',
  ])
    t.match(sees, words);
  const rooted = (linux: NonNullable<Config['linux']>): string =>
    said(describeConfig(config({ root: { path: 'r' }, linux })).sees);
  t.match(rooted({}), '"r" as /, writable');
  t.match(rooted({ readonlyPaths: ['/'] }), '"r" as /, read-only');
});

t.test('what it may do', async (t) => {
  const may = said(kubernetes.may);
  t.match(may, /^use no capability\nget CAP_NET_BIND_SERVICE from/);
  t.match(may, 'not gain rights from programs');
  t.match(may, /by a filter: \d+ names with ALLOW.*; all others with ERRNO/);
  t.match(may, /^open only the devices c 1:3 rw, c 1:5 rw, /m);
});

t.test('to make the node of a device is not to open it', async (t) => {
  type Rules = NonNullable<NonNullable<NonNullable<Config['linux']>['resources']>['devices']>;
  const may = (rules: Rules, more: Partial<Config['linux']> = {}): string => {
    const linux = { resources: { devices: rules }, ...more };
    const process = { cwd: '/', args: ['sh'], capabilities: { bounding: ['CAP_MKNOD'] } };
    return said(describeConfig(config({ linux, process })).may);
  };
  const all = { allow: true, access: 'rwm' };
  t.match(may([all]), /^make nodes of any device, and open every device$/m);
  t.match(may([all], { namespaces: [{ type: 'user' }] }), /^open every device$/m);
  t.match(
    may([all, { allow: false, type: 'b', access: 'rw' }]),
    /^make nodes of any device, and open every device except b \*:\* rw$/m,
  );
  t.match(
    may([all, { allow: false, type: 'b', major: 8, access: 'rwm' }]),
    /^make nodes of any device, and open every device except b 8:\* rw$/m,
  );
  t.match(
    may([{ allow: true, type: 'c', major: 10, minor: 200, access: 'r' }]),
    /^make nodes of any device, and open only the devices c 10:200 r, c 1:3 rw, /m,
  );
});

t.test('what limits it', async (t) => {
  const limits = said(kubernetes.limits);
  for (const words of [
    'memory: 512 MiB',
    'kept under pressure: 128 MiB',
    '2 CPUs',
    'CPUs: 0-3',
    'threads: 4096',
    'early',
  ])
    t.match(limits, words);
  const rlimits = [{ type: 'RLIMIT_CORE', soft: 0, hard: 0xffff_ffff_ffff_ffffn }];
  const raised = describeConfig(config({ process: { cwd: '/', args: ['a'], rlimits } }));
  t.match(said(raised.limits), 'RLIMIT_CORE: 0, which it may raise to unlimited');
  t.match(said(describeConfig(config({ linux: { resources: { memory: { limit: 4097 } } } })).limits), '4097 bytes');
});

t.test('what runs before and after it', async (t) => {
  t.strictSame(
    kubernetes.hooks.map(({ pointer }) => pointer),
    ['/hooks/createContainer/0', '/hooks/poststop/0'],
  );
  t.match(
    said(kubernetes.hooks),
    /ldconfig-hook --folder \/usr\/lib of the host.*at most 10 seconds\npoststop: .*no time/,
  );
});

t.test('every statement with a pointer has its place, in text and in JSON', async (t) => {
  const source = { text, name: 'config.json' };
  const shown = explanationText(kubernetes, source);
  t.match(shown, /\n {2}memory: 512 MiB {2}\[config\.json:\d+:9\]\n/);
  t.match(shown, /\nWhat weakens it\n.* {2}\[config\.json:\d+:\d+\]\n {4}cure: /);
  const data = explanationData(kubernetes, source) as Record<string, readonly { pointer?: string; line?: number }[]>;
  t.strictSame(Object.keys(data), ['runs', 'sees', 'may', 'limits', 'hooks', 'weaknesses', 'mistakes']);
  for (const item of Object.values(data).flat())
    t.equal(typeof item.line, item.pointer === undefined ? 'undefined' : 'number');
});

t.test('names that are probably misspelt are mistakes', async (t) => {
  const loose = { ...config({}), hook: {}, 'x-own': {} } as Config;
  t.match(describeConfig(loose).mistakes[0], { pointer: '/hook', hint: /hooks/ });
});
