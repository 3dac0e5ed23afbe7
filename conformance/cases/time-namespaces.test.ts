import { readFileSync, readlinkSync } from 'node:fs';
import { addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import type { Text } from '../harness/guest.ts';
import { probePath } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

type Namespaces = Record<string, string>;

/** Clocks in seconds since they started. */
interface Clocks {
  monotonic: number;
  boottime: number;
}

const LACKS = { runc: '1.1 has no time namespace', crun: '1.8 has no offsets' };
const own = (): string => readlinkSync('/proc/self/ns/time');
const uptime = (text: string): number => Number(text.split(' ')[0]);

function hostClocks(): Clocks {
  const text = readFileSync('/proc/uptime', 'utf8');
  return { monotonic: Number(process.hrtime.bigint() / 1_000_000_000n), boottime: uptime(text) };
}

forEachRuntime(
  'time namespace: offsets move the clocks and the uptime of the program',
  async (t, rt) => {
    const before = hostClocks();
    const [clocks, up, ns] = await rt.observe<[Clocks, Text, Namespaces]>(
      [['clocks'], ['read', '/proc/uptime'], ['ns']],
      (config) => {
        config.linux.namespaces.push({ type: 'time' });
        config.linux.timeOffsets = { monotonic: { secs: 100_000 }, boottime: { secs: 500_000, nanosecs: 7 } };
      },
    );
    const after = hostClocks();
    t.ok(clocks.monotonic >= before.monotonic + 99_999 && clocks.monotonic <= after.monotonic + 100_001);
    t.ok(clocks.boottime >= before.boottime + 499_999 && clocks.boottime <= after.boottime + 500_001);
    t.ok(uptime(up.text) >= before.boottime + 499_999, up.text);
    t.not(ns['time'], own());
  },
  { deviates: LACKS },
);

forEachRuntime(
  'time namespace: an offset may be negative, for only one clock, or absent',
  async (t, rt) => {
    const wanted: readonly (readonly [Mutation, string])[] = [
      [
        ({ linux }) => (linux.timeOffsets = { boottime: { secs: -10, nanosecs: 7 } }),
        'monotonic 0 0\nboottime -10 7\n',
      ],
      [({ linux }) => (linux.timeOffsets = { monotonic: { secs: 30 } }), 'monotonic 30 0\nboottime 0 0\n'],
      [
        ({ linux }) => (linux.timeOffsets = { monotonic: { nanosecs: 999_999_999 } }),
        'monotonic 0 999999999\nboottime 0 0\n',
      ],
      [(): void => undefined, 'monotonic 0 0\nboottime 0 0\n'],
    ];
    for (const [mutate, text] of wanted) {
      const [offsets, ns] = await rt.observe<[Text, Namespaces]>(
        [['read', '/proc/self/timens_offsets'], ['ns']],
        (config) => {
          config.linux.namespaces.push({ type: 'time' });
          mutate(config);
        },
      );
      t.equal(offsets.text.replaceAll(/ +/g, ' '), text);
      t.not(ns['time'], own());
      t.equal(ns['time'], ns['time_for_children'] ?? ns['time']);
    }
  },
  { deviates: LACKS },
);

forEachRuntime(
  'time namespace: in a user namespace, and with a new pid namespace',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      addUserNamespace(config);
      config.linux.namespaces.push({ type: 'time' });
      config.linux.timeOffsets = { boottime: { secs: 1_000_000 } };
    });
    const [up] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/uptime']]);
    t.ok(uptime(up.text) >= 1_000_000, up.text);
  },
  { deviates: LACKS },
);

for (const user of [false, true]) {
  forEachRuntime(
    `time namespace: by path it is the given one${user ? ', also into a new user namespace' : ''}`,
    async (t, rt) => {
      const other = await rt.started(['wait'], (config) => {
        config.linux.namespaces.push({ type: 'time' });
        config.linux.timeOffsets = { boottime: { secs: 2_000_000 } };
      });
      const { pid } = await other.state();
      const bundle = rt.bundle((config) => {
        if (user) addUserNamespace(config);
        changeNamespace(config, 'time', `/proc/${pid}/ns/time`);
      });
      const [ns, up] = await rt.observeBundle<[Namespaces, Text]>(bundle, [['ns'], ['read', '/proc/uptime']]);
      t.equal(ns['time'], readlinkSync(`/proc/${pid}/ns/time`));
      t.ok(uptime(up.text) >= 2_000_000, up.text);
      t.equal((await other.remove('--force')).status, 0);
    },
    { deviates: LACKS },
  );
}

forEachRuntime('time namespace: not listed is shared with the runtime', async (t, rt) => {
  const [ns] = await rt.observe<[Namespaces]>([['ns']]);
  t.equal(ns['time'], own());
});

const REFUSED: readonly (readonly [what: string, pointer: string, words: RegExp, mutate: Mutation])[] = [
  [
    'an offset before the start of the clock',
    '/linux/timeOffsets',
    /offset to the clock of the host/,
    ({ linux }) => (linux.timeOffsets = { monotonic: { secs: -4_000_000_000 } }),
  ],
  [
    'too many nanoseconds',
    '/linux/timeOffsets/monotonic/nanosecs',
    /nanosecs/,
    ({ linux }) => (linux.timeOffsets = { monotonic: { nanosecs: 1_000_000_000 } }),
  ],
  ['an unknown clock', '/linux/timeOffsets', /clock/, ({ linux }) => (linux.timeOffsets = { realtime: { secs: 1 } })],
  [
    'offsets without a namespace',
    '/linux/timeOffsets',
    /time namespace isn't enabled/,
    (config) => {
      changeNamespace(config, 'time');
      config.linux.timeOffsets = { monotonic: { secs: 1 } };
    },
  ],
  [
    'offsets for one that exists',
    '/linux/timeOffsets',
    /both namespace path and time offsets/,
    (config) => {
      changeNamespace(config, 'time', '/proc/self/ns/time');
      config.linux.timeOffsets = { monotonic: { secs: 1 } };
    },
  ],
  [
    'a path to another type',
    '/linux/namespaces/5/path',
    /not a namespace of type time/,
    (config) => changeNamespace(config, 'time', '/proc/self/ns/net'),
  ],
];

for (const [what, pointer, words, mutate] of REFUSED) {
  forEachRuntime(
    `time namespace: ${what} is refused with its place`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        config.linux.namespaces.push({ type: 'time' });
        mutate(config);
      });
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.ok(outcome.stderr.includes(pointer), outcome.stderr);
    },
    { oursOnly: 'the peers have other messages, and no places' },
  );
}

forEachRuntime(
  'time namespace: a kernel without them is named as the cause',
  async (t, rt) => {
    const bundle = rt.bundle((config) => config.linux.namespaces.push({ type: 'time' }));
    // unshare(2) with this flag is refused as by a kernel that does not support it.
    const refuse = [probePath(), 'refuse', 'unshare', '0x80', 'EINVAL'];
    const outcome = await rt.commandThrough(refuse, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot make a time namespace: invalid argument \(unshare\)/);
    t.match(outcome.stderr, /kernel may be built without time namespaces/);
  },
  { oursOnly: 'the peers have other messages' },
);
