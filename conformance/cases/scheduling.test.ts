import { existsSync, readdirSync } from 'node:fs';
import { changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { execFile, execProbe, withContainer } from '../harness/exec.ts';
import { answers, guestProgram } from '../harness/guest.ts';
import type { Ids } from '../harness/guest.ts';
import { isUnified } from '../harness/cgroup.ts';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

interface Sched {
  policy: number;
  nice: number;
  priority: number;
  flags: number;
  ioprio: number;
  personality: number;
  runtime: number;
  deadline: number;
  period: number;
}

const noScheduler = { runc: '1.1 has no scheduler', crun: '1.8 has no scheduler' };
const noIoPriority = { runc: '1.1 has no ioPriority', crun: '1.8 has no ioPriority' };
const noMemoryPolicy = { runc: '1.1 has no memoryPolicy', crun: '1.8 has no memoryPolicy' };

async function scheduled(rt: Sandbox, mutate: Mutation): Promise<Sched> {
  const [sched] = await rt.observe<[Sched]>([['sched']], mutate);
  return sched;
}

for (const [policy, nice, number] of [
  ['SCHED_OTHER', 5, 0],
  ['SCHED_OTHER', -5, 0],
  ['SCHED_BATCH', 7, 3],
] as const) {
  forEachRuntime(
    `process.scheduler ${policy} with nice ${nice}`,
    async (t, rt) => {
      const sched = await scheduled(rt, (config) => (config.process.scheduler = { policy, nice }));
      t.match(sched, { policy: number, nice, flags: 0 });
    },
    { deviates: noScheduler },
  );
}

forEachRuntime(
  'process.scheduler SCHED_IDLE',
  async (t, rt) => {
    const sched = await scheduled(rt, (config) => (config.process.scheduler = { policy: 'SCHED_IDLE' }));
    t.equal(sched.policy, 5);
  },
  { deviates: noScheduler },
);

for (const [policy, number] of [
  ['SCHED_FIFO', 1],
  ['SCHED_RR', 2],
] as const) {
  forEachRuntime(
    `process.scheduler ${policy} has a priority and can be reset on fork`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        config.process.scheduler = { policy, priority: 12, flags: ['SCHED_FLAG_RESET_ON_FORK'] };
        config.process.args = ['/bin/probe', 'sched'];
      });
      if (outcome.status === 0) {
        t.match(JSON.parse(outcome.stdout), { policy: number, priority: 12, flags: 1 });
        return;
      }
      // A kernel with CONFIG_RT_GROUP_SCHED gives a new v1 cgroup no real-time bandwidth.
      t.notOk(isUnified(), outcome.stderr);
      t.match(outcome.stderr, /cannot set process\.scheduler: operation not permitted \(sched_setattr\)/);
      t.match(outcome.stderr, /hint: .*linux\.resources\.cpu\.realtimeRuntime/);
    },
    { deviates: noScheduler },
  );
}

forEachRuntime(
  'process.scheduler SCHED_DEADLINE has three times',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.process.scheduler = {
        policy: 'SCHED_DEADLINE',
        runtime: 1_000_000,
        deadline: 20_000_000,
        period: 40_000_000,
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
      };
      config.process.args = ['/bin/probe', 'sched'];
    });
    t.equal(outcome.status, 0, outcome.stderr);
    const expected = { policy: 6, runtime: 1_000_000, deadline: 20_000_000, period: 40_000_000, flags: 1 };
    t.match(JSON.parse(outcome.stdout), expected);
  },
  { deviates: noScheduler },
);

/** SCHED_FLAG_* of sched(7) and include/uapi/linux/sched.h, and the result of sched_getattr(2). */
const FLAGS: readonly (readonly [what: string, scheduler: Record<string, unknown>, expected: Partial<Sched>])[] = [
  [
    'SCHED_FLAG_RECLAIM and SCHED_FLAG_DL_OVERRUN',
    {
      policy: 'SCHED_DEADLINE',
      runtime: 1_000_000,
      deadline: 20_000_000,
      period: 40_000_000,
      flags: ['SCHED_FLAG_RECLAIM', 'SCHED_FLAG_DL_OVERRUN'],
    },
    { policy: 6, flags: 6 },
  ],
  [
    'SCHED_FLAG_KEEP_POLICY: the policy of the caller stays',
    { policy: 'SCHED_BATCH', nice: 7, flags: ['SCHED_FLAG_KEEP_POLICY'] },
    { policy: 0, nice: 7 },
  ],
  [
    'SCHED_FLAG_KEEP_PARAMS: all of the caller stays',
    { policy: 'SCHED_BATCH', nice: 7, flags: ['SCHED_FLAG_KEEP_PARAMS'] },
    { policy: 0, nice: 0 },
  ],
];

for (const [what, scheduler, expected] of FLAGS) {
  forEachRuntime(
    `process.scheduler.flags ${what}`,
    async (t, rt) => {
      const sched = await scheduled(rt, (config) => (config.process.scheduler = scheduler));
      t.match(sched, expected);
    },
    { deviates: noScheduler },
  );
}

forEachRuntime(
  'process.scheduler.flags SCHED_FLAG_UTIL_CLAMP_MIN and MAX need a kernel with clamping',
  async (t, rt) => {
    for (const flag of ['SCHED_FLAG_UTIL_CLAMP_MIN', 'SCHED_FLAG_UTIL_CLAMP_MAX']) {
      const outcome = await rt.run((config) => {
        config.process.scheduler = { policy: 'SCHED_OTHER', flags: [flag] };
        config.process.args = ['/bin/probe', 'sched'];
      });
      if (existsSync('/proc/sys/kernel/sched_util_clamp_min')) {
        t.match(JSON.parse(outcome.stdout), { policy: 0 }, flag);
      } else {
        t.equal(outcome.status, 1, 'this kernel has no clamping, and says so when it is asked');
        t.match(outcome.stderr, /cannot set process\.scheduler: .* \(sched_setattr\)/, flag);
        t.match(outcome.stderr, /hint: .*CONFIG_UCLAMP_TASK/);
      }
    }
  },
  { deviates: noScheduler },
);

const DEADLINE = { policy: 'SCHED_DEADLINE', runtime: 1_000_000, deadline: 20_000_000, period: 40_000_000 };

/** Settings that a child does not inherit, or that forbid fork. */
const NOT_INHERITED: readonly (readonly [scheduler: Record<string, unknown>, expected: Partial<Sched>])[] = [
  [DEADLINE, { policy: 6, flags: 0, runtime: 1_000_000, deadline: 20_000_000, period: 40_000_000 }],
  [
    { ...DEADLINE, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    { policy: 6, flags: 1, runtime: 1_000_000 },
  ],
  [
    { policy: 'SCHED_BATCH', nice: 7, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    { policy: 3, nice: 7, flags: 1 },
  ],
  [
    { policy: 'SCHED_OTHER', nice: -5, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    { policy: 0, nice: -5, flags: 1 },
  ],
  [
    { policy: 'SCHED_BATCH', nice: -5 },
    { policy: 3, nice: -5, flags: 0 },
  ],
];

for (const [scheduler, expected] of NOT_INHERITED) {
  const words = JSON.stringify(scheduler);
  forEachRuntime(
    `process.scheduler ${words} applies to exec, too`,
    async (t, rt) => {
      for (const shared of [false, true]) {
        await withContainer(
          rt,
          async (container) => {
            const ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 2 };
            const args = ['/bin/probe', 'sched'];
            const [own] = await execProbe<[Sched]>(rt, container, ['--user', '7:7'], 'sched');
            t.match(own, expected);
            t.equal(own.ioprio, (2 << 13) | 6);
            for (const user of [
              { uid: 0, gid: 0 },
              { uid: 7, gid: 7 },
            ]) {
              const given = await execFile(rt, container, { args, scheduler, ioPriority, user });
              t.equal(given.status, 0, given.stderr);
              if (given.status === 0) t.match(JSON.parse(given.stdout), { ...expected, ioprio: (2 << 13) | 2 });
            }
          },
          (config) => {
            config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 };
            config.process.scheduler = scheduler;
            // The limit does not allow the fork of exec.
            config.linux.resources['pids'] = { limit: 1 };
            if (shared) changeNamespace(config, 'pid');
          },
        );
      }
    },
    { deviates: noScheduler },
  );

  forEachRuntime(
    `process.scheduler ${words} applies to a container in the pid namespace of another`,
    async (t, rt) => {
      await withContainer(rt, async (other) => {
        const { pid } = await other.state();
        const sched = await scheduled(rt, (config) => {
          config.process.scheduler = scheduler;
          config.process.user = { uid: 7, gid: 7 };
          changeNamespace(config, 'pid', `/proc/${pid}/ns/pid`);
        });
        t.match(sched, expected);
      });
    },
    { deviates: noScheduler },
  );
}

for (const [name, number] of [
  ['IOPRIO_CLASS_RT', 1],
  ['IOPRIO_CLASS_BE', 2],
  ['IOPRIO_CLASS_IDLE', 3],
] as const) {
  forEachRuntime(
    `process.ioPriority ${name}`,
    async (t, rt) => {
      const priority = name === 'IOPRIO_CLASS_IDLE' ? 0 : 6;
      const sched = await scheduled(rt, (config) => (config.process.ioPriority = { class: name, priority }));
      t.equal(sched.ioprio, (number << 13) | priority);
    },
    { deviates: noIoPriority },
  );
}

for (const [domain, persona, machine] of [
  ['LINUX', 0, process.arch === 'arm64' ? 'aarch64' : 'x86_64'],
  ['LINUX32', 8, process.arch === 'arm64' ? 'armv8l' : 'i686'],
] as const) {
  forEachRuntime(
    `linux.personality ${domain}: uname says ${machine}`,
    async (t, rt) => {
      const [sched, uts] = await rt.observe<[Sched, { machine: string }]>([['sched'], ['uts']], (config) => {
        config.linux.personality = { domain };
      });
      t.equal(sched.personality, persona);
      t.equal(uts.machine, machine);
    },
    { deviates: { runc: '1.1 has no personality' } },
  );
}

forEachRuntime('linux.personality absent: the personality of the caller is kept', async (t, rt) => {
  const [sched] = await rt.observe<[Sched]>([['sched']]);
  t.equal(sched.personality, 0);
});

/** Values of MPOL_* that work with one node, with the result of get_mempolicy(2). */
for (const [memoryPolicy, mode, nodes] of [
  [{ mode: 'MPOL_DEFAULT' }, 0, '0'],
  [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 1, '1'],
  [{ mode: 'MPOL_PREFERRED' }, 4, '0'],
  [{ mode: 'MPOL_BIND', nodes: '0' }, 2, '1'],
  [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 2 | (1 << 15), '1'],
  [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 2 | (1 << 14), '1'],
  [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }, 2 | (1 << 13), '1'],
  [{ mode: 'MPOL_INTERLEAVE', nodes: '0-0' }, 3, '1'],
  [{ mode: 'MPOL_LOCAL' }, 4, '0'],
  [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 5, '1'],
  [{ mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0' }, 6, '1'],
] as const) {
  forEachRuntime(
    `linux.memoryPolicy ${JSON.stringify(memoryPolicy)}`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        config.linux.memoryPolicy = memoryPolicy;
        config.process.args = ['/bin/probe', 'mempolicy'];
      });
      if (outcome.status !== 0 && memoryPolicy.mode === 'MPOL_WEIGHTED_INTERLEAVE') {
        t.match(
          outcome.stderr,
          /cannot set linux\.memoryPolicy: invalid argument/,
          'Linux before 6.9 does not have it',
        );
        return;
      }
      t.equal(outcome.status, 0, outcome.stderr);
      t.strictSame(JSON.parse(outcome.stdout), { mode, nodes });
    },
    { deviates: noMemoryPolicy },
  );
}

forEachRuntime(
  'linux.memoryPolicy with a node that the host lacks is refused by the kernel, and explained',
  async (t, rt) => {
    const outcome = await rt.run((config) => (config.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '900' }));
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot set linux\.memoryPolicy: invalid argument \(set_mempolicy\)/);
    t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/linux\/memoryPolicy\n.*hint: a node/s);
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'the CPUs of the caller do not limit the container',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'ids']));
    const words = rt.argv('run', '--bundle', bundle.dir, rt.nextId());
    const outcome = await run(['taskset', '-c', '0', ...words], { env: rt.env });
    const [, count = '0'] = /(\d+)$/.exec((JSON.parse(outcome.stdout) as Ids).cpus) ?? [];
    const last = readdirSync('/sys/devices/system/cpu').filter((name) => /^cpu\d+$/.test(name)).length - 1;
    t.equal(Number(count), last);
  },
  { deviates: { runc: '1.1 keeps the CPUs of the caller on v1', crun: '1.8 keeps those of the caller' } },
);

forEachRuntime(
  'process.execCPUAffinity does not affect the first process',
  async (t, rt) => {
    const [plain] = await rt.observe<[Ids]>([['ids']]);
    const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
      config.process.execCPUAffinity = { initial: '0', final: '0' };
    });
    t.equal(ids.cpus, plain.cpus);
  },
  { deviates: { runc: '1.1 does not know it', crun: '1.8 does not know it' } },
);

forEachRuntime(
  'process.execCPUAffinity and linux.memoryPolicy.nodes: numbers that this machine lacks, but the kernel accepts',
  async (t, rt) => {
    const container = await rt.started(['pause'], (config) => {
      config.process.execCPUAffinity = { initial: '0,1024-2047', final: '0,8192,65535' };
      config.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: process.arch === 'arm64' ? '0-15' : '0-1023' };
    });
    const outcome = await rt.command('exec', container.id, '/bin/probe', 'ids');
    t.equal(outcome.status, 0, outcome.stderr);
    t.equal((JSON.parse(outcome.stdout) as Ids).cpus, '0');
    await container.remove('--force');
  },
  { deviates: { runc: '1.1 does not know them', crun: '1.8 does not know them' } },
);

for (const [scheduler, expected] of [
  [
    { policy: 'SCHED_IDLE', nice: 5 },
    { policy: 5, nice: 0 },
  ],
  [
    { policy: 'SCHED_DEADLINE', nice: 5, runtime: 42_000, deadline: 100_000, period: 1_000_000 },
    { policy: 6, nice: 0 },
  ],
] as const) {
  forEachRuntime(
    `process.scheduler.nice with ${scheduler.policy} has no effect, and a warning says so`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        config.process.args = ['/bin/probe', 'sched'];
        config.process.scheduler = scheduler;
      });
      t.match(answers(outcome.stdout), [expected], outcome.stderr);
      t.match(
        outcome.stderr,
        /rt: warning: scheduler\.nice is only for .*\n.*:\d+:\d+ {2}\/process\/scheduler\/nice\n/,
      );
    },
    { oursOnly: 'the peers say nothing' },
  );
}

/** Configs that are refused before anything is made: the change, and the error with the place. */
const refused: readonly (readonly [what: string, mutate: Mutation, words: RegExp])[] = [
  [
    'nice 20',
    (config) => (config.process.scheduler = { policy: 'SCHED_OTHER', nice: 20 }),
    /invalid scheduler\.nice: 20/,
  ],
  [
    'SCHED_RR without priority',
    (config) => (config.process.scheduler = { policy: 'SCHED_RR' }),
    /scheduler\.priority must be from 1 to 99/,
  ],
  [
    'priority with SCHED_BATCH',
    (config) => (config.process.scheduler = { policy: 'SCHED_BATCH', priority: 3 }),
    /scheduler\.priority is only for/,
  ],
  ['SCHED_ISO', (config) => (config.process.scheduler = { policy: 'SCHED_ISO' }), /SCHED_ISO is reserved/],
  [
    'a scheduler without policy',
    (config) => (config.process.scheduler = { nice: 1 }),
    /process\.scheduler\.policy is missing/,
  ],
  [
    'an unknown policy',
    (config) => (config.process.scheduler = { policy: 'SCHED_NOSUCH' }),
    /process\.scheduler\.policy must be/,
  ],
  [
    'an unknown scheduler flag',
    (config) => (config.process.scheduler = { policy: 'SCHED_OTHER', flags: ['NOSUCH'] }),
    /process\.scheduler\.flags/,
  ],
  [
    'times with SCHED_OTHER',
    (config) => (config.process.scheduler = { policy: 'SCHED_OTHER', runtime: 5000 }),
    /scheduler\.runtime is only for SCHED_DEADLINE/,
  ],
  [
    'runtime above deadline',
    (config) => (config.process.scheduler = { policy: 'SCHED_DEADLINE', runtime: 9000, deadline: 8000 }),
    /scheduler\.deadline must be at least runtime/,
  ],
  [
    'SCHED_DEADLINE without times',
    (config) => (config.process.scheduler = { policy: 'SCHED_DEADLINE' }),
    /scheduler\.runtime must be at least 1024/,
  ],
  [
    'ioPriority 8',
    (config) => (config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 8 }),
    /ioPriority\.priority must be an integer from 0 to 7/,
  ],
  [
    'ioPriority of an unknown class',
    (config) => (config.process.ioPriority = { class: 'IOPRIO_CLASS_NONE' }),
    /process\.ioPriority\.class must be/,
  ],
  [
    'a personality flag',
    (config) => (config.linux.personality = { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] }),
    /unknown personality flag "ADDR_NO_RANDOMIZE".*\/linux\/personality\/flags\/0/s,
  ],
  [
    'an unknown domain',
    (config) => (config.linux.personality = { domain: 'BSD' }),
    /linux\.personality\.domain must be/,
  ],
  [
    'a backward CPU range',
    (config) => (config.process.execCPUAffinity = { initial: '3-1' }),
    /bad CPUAffinity\.Initial: "3-1": the range "3-1" goes backwards/,
  ],
  [
    'a CPU beyond all kernels',
    (config) => (config.process.execCPUAffinity = { final: '0,99999' }),
    /bad CPUAffinity\.Final: /,
  ],
  [
    'a memory node beyond all kernels',
    (config) => (config.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0,1024' }),
    /linux\.memoryPolicy\.nodes "0,1024": 1024 is more than 1023/,
  ],
  ['an empty memory policy', (config) => (config.linux.memoryPolicy = {}), /linux\.memoryPolicy\.mode is missing/],
  [
    'a memory policy without mode',
    (config) => (config.linux.memoryPolicy = { nodes: '0' }),
    /linux\.memoryPolicy\.mode is missing/,
  ],
  [
    'MPOL_BIND without nodes',
    (config) => (config.linux.memoryPolicy = { mode: 'MPOL_BIND' }),
    /nodes must name a node for MPOL_BIND/,
  ],
  [
    'MPOL_LOCAL with nodes',
    (config) => (config.linux.memoryPolicy = { mode: 'MPOL_LOCAL', nodes: '0' }),
    /nodes must be empty for MPOL_LOCAL/,
  ],
  [
    'nodes that are no list',
    (config) => (config.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: 'x' }),
    /linux\.memoryPolicy\.nodes "x": "x" is neither/,
  ],
  [
    'two contradicting flags',
    (config) =>
      (config.linux.memoryPolicy = {
        mode: 'MPOL_BIND',
        nodes: '0',
        flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'],
      }),
    /must not have both/,
  ],
  [
    'balancing without MPOL_BIND',
    (config) => (config.linux.memoryPolicy = { mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }),
    /MPOL_F_NUMA_BALANCING is for MPOL_BIND/,
  ],
];

forEachRuntime(
  'scheduling fields: invalid values are refused and named',
  async (t, rt) => {
    for (const [what, mutate, words] of refused) {
      const outcome = await rt.run(mutate);
      t.equal(outcome.status, 1, what);
      t.match(outcome.stderr, words, what);
      t.match(outcome.stderr, /config\.json:\d+:\d+ /, what);
    }
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'scheduling fields: a kernel without the call is named, and nothing is left',
  async (t, rt) => {
    const missing: readonly (readonly [call: string, field: string, mutate: Mutation])[] = [
      ['sched_setattr', 'process.scheduler', (config) => (config.process.scheduler = { policy: 'SCHED_BATCH' })],
      ['ioprio_set', 'process.ioPriority', (config) => (config.process.ioPriority = { class: 'IOPRIO_CLASS_BE' })],
      ['personality', 'linux.personality', (config) => (config.linux.personality = { domain: 'LINUX' })],
      ['set_mempolicy', 'linux.memoryPolicy', (config) => (config.linux.memoryPolicy = { mode: 'MPOL_DEFAULT' })],
    ];
    for (const [call, field, mutate] of missing) {
      const bundle = rt.bundle(mutate);
      const words = rt.argv('run', '--bundle', bundle.dir, rt.nextId());
      const outcome = await run([guestProgram('deny'), call, ...words], { env: rt.env });
      t.equal(outcome.status, 1, call);
      t.match(outcome.stderr, `cannot set ${field}: function not implemented (${call})`);
      t.match(outcome.stderr, `/${field.replace('.', '/')}\n`);
      t.match(outcome.stderr, /hint: allow \w+ in the seccomp filter around rt .*; or drop the field/);
    }
  },
  { oursOnly: 'messages of this project' },
);
