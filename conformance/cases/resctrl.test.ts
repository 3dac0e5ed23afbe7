import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from '../harness/config.ts';
import { guestProgram } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

const ROOT = '/sys/fs/resctrl';

/** Prints every file of a group, and all groups, while the container exists. */
const show = (group: string): string => `for f in ${group}/schemata ${group}/tasks; do echo "$f: $(cat $f)"; done`;

/** Runs a shell script on a simulated resctrl; `$CREATE`, `$UPDATE`, `$DELETE` act on one container, $ID. */
async function withResctrl(rt: Sandbox, script: string, mutate: Mutation): Promise<Outcome & { id: string }> {
  const id = rt.nextId();
  const bundle = rt.bundle(mutate);
  const command = (...words: string[]): string => rt.argv(...words).join(' ');
  const file = join(rt.dir, 'script');
  const words = [
    `ID=${id}`,
    `CREATE='${command('create', '--bundle', bundle.dir, id)}'`,
    `UPDATE='${command('update')}'`,
    `DELETE='${command('delete', '--force', id)}'`,
  ];
  writeFileSync(file, `#!/bin/sh\n${words.join('\n')}\n${script}\n`);
  chmodSync(file, 0o755);
  return { ...(await run([guestProgram('resctrl'), file], { env: rt.env })), id };
}

const words = { oursOnly: 'the peers look for resctrl in mountinfo, which cannot be made up' };

forEachRuntime(
  'linux.intelRdt: a group named after the container, its schemata in order, its task, and its removal',
  async (t, rt) => {
    const script = `$CREATE </dev/null >/dev/null && ${show(`${ROOT}/$ID`)}; $DELETE; ls ${ROOT}`;
    const outcome = await withResctrl(rt, script, (config) => {
      config.linux.intelRdt = { l3CacheSchema: 'L3:0=f;1=f', memBwSchema: 'MB:0=50', schemata: ['L2:0=3', 'L3:0=1'] };
    });
    t.equal(outcome.status, 0, outcome.stderr);
    // The file contains only the last line, as each write starts at its beginning; the kernel treats each as a command.
    t.match(outcome.stdout, `${ROOT}/${outcome.id}/schemata: L3:0=1`);
    t.match(outcome.stdout, `${ROOT}/${outcome.id}/tasks: 0`, 'the helper writes itself');
    t.match(outcome.stdout, /\ninfo\nmon_groups\nprepared\nschemata\ntasks\n$/, 'delete removes the group');
  },
  words,
);

/** The last write to the file: of one field alone, and then with those written before it. */
const LAST: readonly (readonly [intelRdt: Record<string, unknown>, schemata: string])[] = [
  [{ l3CacheSchema: 'L3:0=f;1=f' }, 'L3:0=f;1=f'],
  [{ memBwSchema: 'MB:0=5' }, 'MB:0=5'],
  [{ schemata: ['L2:0=3'] }, 'L2:0=3'],
  [{ memBwSchema: 'MB:0=5', l3CacheSchema: 'L3:0=f' }, 'MB:0=5'],
  [{ schemata: ['L2:0=3'], memBwSchema: 'MB:0=5', l3CacheSchema: 'L3:0=f' }, 'L2:0=3'],
  [{ l3CacheSchema: 'L3:0=f\nL2:0=7\n' }, 'L2:0=7'],
];

forEachRuntime(
  'linux.intelRdt: l3CacheSchema, memBwSchema and schemata are written separately, in this order',
  async (t, rt) => {
    for (const [intelRdt, schemata] of LAST) {
      const script = `$CREATE </dev/null >/dev/null && cat ${ROOT}/$ID/schemata; $DELETE`;
      const outcome = await withResctrl(rt, script, (config) => (config.linux.intelRdt = intelRdt));
      t.equal(outcome.stdout, `${schemata}\n`, outcome.stderr);
    }
  },
  words,
);

forEachRuntime(
  'linux.intelRdt: update changes the schemata, all or nothing',
  async (t, rt) => {
    const describe: Mutation = (config) => (config.linux.intelRdt = { l3CacheSchema: 'L3:0=f' });
    const after = (...words: string[]): string =>
      `$CREATE </dev/null >/dev/null; $UPDATE ${words.join(' ')} $ID; echo $?; cat ${ROOT}/$ID/schemata; $DELETE`;
    const both = after('--l3-cache-schema', "'L3:0=1'", '--mem-bw-schema', 'MB:0=30');
    t.strictSame((await withResctrl(rt, both, describe)).stdout, '0\nMB:0=30\n');
    const alone = after('--l3-cache-schema', 'L3:0=1', '--pids-limit', '7');
    t.strictSame((await withResctrl(rt, alone, describe)).stdout, '0\nL3:0=1\n');
    // If the kernel refuses a limit, the schemata are restored.
    const failing = await withResctrl(rt, after('--l3-cache-schema', 'L3:0=1', '--cpuset-mems', '99'), describe);
    t.equal(failing.stdout, '1\nL3:0=f\n');
    t.match(failing.stderr, /cpuset\.mems.*(?:out of range|invalid argument)/);
    const wrong = await withResctrl(rt, after('--mem-bw-schema', 'L3:0=1'), describe);
    t.equal(wrong.stdout, '1\nL3:0=f\n');
    t.match(wrong.stderr, /memBwSchema must be one line that starts with MB:/);
    const none = await withResctrl(
      rt,
      '$CREATE </dev/null >/dev/null; $UPDATE --mem-bw-schema MB:0=1 $ID; $DELETE',
      () => 0,
    );
    t.match(none.stderr, /the container is in no group of it\n.*hint: a container with linux\.intelRdt/);
  },
  words,
);

forEachRuntime(
  'linux.intelRdt.enableMonitoring makes a monitoring group',
  async (t, rt) => {
    const group = `${ROOT}/prepared/mon_groups`;
    const script = `$CREATE </dev/null >/dev/null && ls ${group} && cat ${group}/$ID/tasks; $DELETE; ls ${group}; ls -d ${ROOT}/prepared`;
    const outcome = await withResctrl(rt, script, (config) => {
      config.linux.intelRdt = { closID: 'prepared', enableMonitoring: true };
    });
    t.equal(outcome.stdout, `${outcome.id}\n0${ROOT}/prepared\n`, outcome.stderr);
  },
  words,
);

forEachRuntime(
  'linux.intelRdt.closID: an existing group is kept, a new one must be described',
  async (t, rt) => {
    const there = await withResctrl(
      rt,
      `$CREATE </dev/null >/dev/null; $DELETE; ${show(`${ROOT}/prepared`)}`,
      (config) => {
        config.linux.intelRdt = { closID: 'prepared', schemata: ['MB:0=70'] };
      },
    );
    t.equal(there.stdout, `${ROOT}/prepared/schemata: MB:0=70\n${ROOT}/prepared/tasks: 0\n`, there.stderr);
    const missing = await withResctrl(rt, '$CREATE', (config) => (config.linux.intelRdt = { closID: 'nosuch' }));
    t.equal(missing.status, 1);
    t.match(missing.stderr, `cannot use resctrl group "${ROOT}/nosuch": no such file or directory`);
    t.match(missing.stderr, '/linux/intelRdt/closID');
  },
  words,
);

forEachRuntime(
  'linux.intelRdt: a schema that the kernel refuses is reported with the message of the kernel, and undone',
  async (t, rt) => {
    const refuse = `rm ${ROOT}/prepared/schemata; mkdir ${ROOT}/prepared/schemata; echo "Invalid mask" > ${ROOT}/info/last_cmd_status`;
    const outcome = await withResctrl(rt, `${refuse}; $CREATE; ls ${ROOT}`, (config) => {
      config.linux.intelRdt = { closID: 'prepared', schemata: ['L3:0=zz'] };
    });
    t.match(outcome.stderr, /cannot write "L3:0=zz" to ".*prepared\/schemata"/);
    t.match(outcome.stderr, /\/linux\/intelRdt\/schemata\/0\n.*hint: the kernel says: Invalid mask/s);
  },
  words,
);

forEachRuntime(
  'linux.intelRdt: invalid settings, and a host without it, are refused and named',
  async (t, rt) => {
    const cases: readonly (readonly [intelRdt: Record<string, unknown>, words: RegExp])[] = [
      [{ closID: '../x' }, /linux\.intelRdt\.closID must be the name of a resctrl group, found "\.\.\/x"/],
      [{ closID: 'info' }, /linux\.intelRdt\.closID must be/],
      [{ closID: 'mon_groups' }, /linux\.intelRdt\.closID must be/],
      [{ memBwSchema: 'L3:0=f' }, /linux\.intelRdt\.memBwSchema must be one line that starts with MB:/],
      [{ l3CacheSchema: 'L3:0=f\nMB:0=1' }, /l3CacheSchema must not have MB: lines/],
      [{ schemata: ['L3'] }, /schemata\[0\] must be one line NAME:VALUES/],
      [{ enableMonitoring: 'yes' }, /linux\.intelRdt\.enableMonitoring must be true or false/],
    ];
    for (const [intelRdt, message] of cases) {
      const outcome = await rt.run((config) => (config.linux.intelRdt = intelRdt));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, message);
    }
    if (existsSync(`${ROOT}/schemata`)) return;
    const none = await rt.run((config) => (config.linux.intelRdt = {}));
    t.equal(none.status, 1);
    t.match(none.stderr, /intelRdt is specified in config, but Intel RDT is not enabled/);
    t.match(none.stderr, /\/linux\/intelRdt\n.*hint: mount it/s);
  },
  { oursOnly: 'messages of this project' },
);
