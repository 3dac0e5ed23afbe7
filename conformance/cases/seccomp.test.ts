import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NATIVE_ARCHITECTURE, callNumber } from '../harness/calls.ts';
import type { Attempt, Ids } from '../harness/guest.ts';
import { probePath } from '../harness/guest.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { PATIENCE, until } from '../harness/wait.ts';

/** Numbers on this machine; the profiles name the calls. */
const GETPID = String(callNumber('getpid'));
const MKDIRAT = String(callNumber('mkdirat'));
const SOCKET = String(callNumber('socket'));
const PERSONALITY = String(callNumber('personality'));
const GET_PRIORITY_MAX = String(callNumber('sched_get_priority_max'));
const UNKNOWN = '9999';

const NATIVE = [NATIVE_ARCHITECTURE];

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}

const allowBut = (...syscalls: Rule[]): Record<string, unknown> => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: NATIVE,
  syscalls,
});

for (const noNewPrivileges of [true, false]) {
  forEachRuntime(`linux.seccomp: a filter is applied, noNewPrivileges ${noNewPrivileges}`, async (t, rt) => {
    const [ids, mkdir] = await rt.observe<[Ids, Attempt]>([['ids'], ['mkdir', '/tmp/x']], (config) => {
      config.process.noNewPrivileges = noNewPrivileges;
      config.linux.seccomp = allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' });
    });
    t.equal(ids.seccomp, '2');
    t.equal(ids.noNewPrivs, noNewPrivileges ? 1 : 0);
    t.equal(mkdir.errno, 'EPERM');
  });
}

forEachRuntime('linux.seccomp absent: no filter', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']]);
  t.equal(ids.seccomp, '0');
});

forEachRuntime('linux.seccomp: errnoRet is the error', async (t, rt) => {
  const [mkdir] = await rt.observe<[Attempt]>([['mkdir', '/tmp/x']], (config) => {
    config.linux.seccomp = allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 });
  });
  t.equal(mkdir.errno, 'ENOSPC');
});

for (const [action, signal] of [
  ['SCMP_ACT_KILL', 31],
  ['SCMP_ACT_KILL_THREAD', 31],
  ['SCMP_ACT_KILL_PROCESS', 31],
  ['SCMP_ACT_TRAP', 31],
] as const) {
  forEachRuntime(`linux.seccomp: ${action}`, async (t, rt) => {
    const [result] = await rt.observe<[Attempt]>([['syscall', PERSONALITY, '0xffffffff']], (config) => {
      config.linux.seccomp = allowBut({ names: ['personality'], action });
    });
    t.equal(result.killed, signal);
  });
}

forEachRuntime(
  'linux.seccomp: SCMP_ACT_KILL_THREAD ends a thread, SCMP_ACT_KILL_PROCESS all of them',
  async (t, rt) => {
    for (const [action, answer] of [
      ['SCMP_ACT_KILL', { survived: true }],
      ['SCMP_ACT_KILL_THREAD', { survived: true }],
      ['SCMP_ACT_KILL_PROCESS', { killed: 31 }],
    ] as const) {
      const [result] = await rt.observe<[unknown]>([['thread', PERSONALITY]], (config) => {
        config.linux.seccomp = allowBut({ names: ['personality'], action });
      });
      t.strictSame(result, answer, action);
    }
  },
);

forEachRuntime('linux.seccomp: SCMP_ACT_TRACE is ENOSYS without a tracer', async (t, rt) => {
  const [mkdir, getpid] = await rt.observe<Attempt[]>(
    [
      ['mkdir', '/tmp/x'],
      ['syscall', GETPID],
    ],
    (config) => {
      config.linux.seccomp = allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_TRACE', errnoRet: 7 });
    },
  );
  t.equal(mkdir?.errno, 'ENOSYS');
  t.equal(getpid?.errno, null);
});

/** i386 calls by a 64-bit program: mkdir(2) with an invalid address as the path. */
const MKDIR_X86 = '39';

forEachRuntime(
  'linux.seccomp.architectures: a call of an unlisted one kills, of a listed one follows its rules',
  async (t, rt) => {
    const call = async (architectures: string[] | undefined): Promise<Attempt> => {
      const [result] = await rt.observe<[Attempt]>([['i386', MKDIR_X86]], (config) => {
        if (architectures === undefined) return;
        config.linux.seccomp = {
          ...allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 90 }),
          architectures,
        };
      });
      return result;
    };
    const plain = await call(undefined);
    if (plain.errno !== 'EFAULT') {
      t.comment(`this kernel runs no programs of 32 bits: ${JSON.stringify(plain)}`);
      return;
    }
    t.strictSame(await call(NATIVE), { killed: 31 });
    t.strictSame(await call([...NATIVE, 'SCMP_ARCH_X86']), { errno: 'EMSGSIZE' });
  },
);

forEachRuntime('linux.seccomp: conditions on arguments, of 64 bits, joined by and', async (t, rt) => {
  const results = await rt.observe<Attempt[]>(
    [
      ['syscall', PERSONALITY, '1'],
      ['syscall', PERSONALITY, '0'],
      ['syscall', SOCKET, '16', '3'],
      ['syscall', SOCKET, '16', '1'],
      ['syscall', SOCKET, '1', '3'],
      ['syscall', SOCKET, '1', '1'],
      ['syscall', MKDIRAT, '0', '0x100000001'],
    ],
    (config) => {
      config.linux.seccomp = allowBut(
        {
          names: ['personality'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 90,
          args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }],
        },
        {
          names: ['socket'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 90,
          args: [
            { index: 0, value: 16, op: 'SCMP_CMP_EQ' },
            { index: 1, value: 3, op: 'SCMP_CMP_EQ' },
          ],
        },
        {
          names: ['mkdirat'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 90,
          args: [{ index: 1, value: 1, op: 'SCMP_CMP_EQ' }],
        },
      );
    },
  );
  const errors = results.map(({ errno }) => errno === 'EMSGSIZE');
  t.strictSame(errors, [true, false, true, false, false, false, false]);
});

forEachRuntime('linux.seccomp: every operator', async (t, rt) => {
  const table = [
    ['SCMP_CMP_NE', 5, 0, ['5'], ['4', '6']],
    ['SCMP_CMP_LT', 5, 0, ['5', '6'], ['4']],
    ['SCMP_CMP_LE', 5, 0, ['6'], ['5', '4']],
    ['SCMP_CMP_EQ', 5, 0, ['4', '0x100000005'], ['5']],
    ['SCMP_CMP_GE', 5, 0, ['4'], ['5', '6', '0x100000000']],
    ['SCMP_CMP_GT', 5, 0, ['4', '5'], ['6', '0x100000000']],
    ['SCMP_CMP_MASKED_EQ', 0xf0, 0x30, ['0x40', '0x130000'], ['0x35', '0x130', '0x100000030']],
  ] as const;
  for (const [op, value, valueTwo, passing, caught] of table) {
    const values = [...passing, ...caught];
    const results = await rt.observe<Attempt[]>(
      values.map((argument) => ['syscall', GET_PRIORITY_MAX, argument]),
      (config) => {
        config.linux.seccomp = allowBut({
          names: ['sched_get_priority_max'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 90,
          args: [{ index: 0, value, valueTwo, op }],
        });
      },
    );
    t.strictSame(
      results.map(({ errno }) => errno === 'EMSGSIZE'),
      values.map((_, index) => index >= passing.length),
      op,
    );
  }
});

forEachRuntime(
  'linux.seccomp: deny by default with an allow-list',
  async (t, rt) => {
    const [denied, unknown] = await rt.observe<Attempt[]>(
      [
        ['syscall', PERSONALITY, '0'],
        ['syscall', UNKNOWN],
      ],
      (config) => {
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ERRNO',
          defaultErrnoRet: 90,
          architectures: [...NATIVE, 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
          syscalls: [
            {
              names: [
                'read write close openat open fstat newfstatat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask',
                'ioctl pread64 access pipe2 getpid clone fork vfork execve execveat exit exit_group wait4 fcntl getcwd chdir',
                'umask prctl arch_prctl set_tid_address set_robust_list rseq prlimit64 getrandom readlink readlinkat futex',
                'setuid setgid setgroups capget capset capget close_range sendmsg recvmsg sendto recvfrom socket connect',
                'uname getuid getgid geteuid getegid getppid fchown fstatfs statfs getdents64 epoll_ctl epoll_pwait',
                'sched_yield nanosleep tgkill gettid madvise setsid dup dup2 dup3 poll ppoll shutdown stat lstat statx sigaltstack',
                'seccomp faccessat faccessat2 openat2 kill rt_sigreturn pidfd_open accept accept4 keyctl mount umount2 fchdir',
              ].flatMap((line) => line.split(' ')),
              action: 'SCMP_ACT_ALLOW',
            },
          ],
        };
      },
    );
    t.equal(denied?.errno, 'EMSGSIZE', 'defaultErrnoRet');
    t.equal(unknown?.errno, 'ENOSYS', 'a call newer than the profile does not exist, rather than being forbidden');
  },
  { deviates: { crun: '1.8 forbids calls that are newer than the profile' } },
);

forEachRuntime(
  'linux.seccomp.architectures: those that the machine cannot run may be listed, of either byte order',
  async (t, rt) => {
    const others = [
      ...['ARM', 'AARCH64', 'LOONGARCH64', 'M68K', 'MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32'],
      ...['PARISC', 'PARISC64', 'PPC', 'PPC64', 'PPC64LE', 'RISCV64', 'S390', 'S390X', 'SH', 'SHEB'],
    ];
    const [mkdir, ids] = await rt.observe<[Attempt, Ids]>([['mkdir', '/tmp/x'], ['ids']], (config) => {
      config.linux.seccomp = {
        ...allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 90 }),
        architectures: others.map((name) => `SCMP_ARCH_${name}`),
      };
    });
    t.equal(mkdir.errno, 'EMSGSIZE');
    t.equal(ids.seccomp, '2');
  },
  { oursOnly: 'libseccomp refuses the other order of bytes' },
);

forEachRuntime('linux.seccomp: unknown names of calls are ignored', async (t, rt) => {
  const [mkdir] = await rt.observe<[Attempt]>([['mkdir', '/tmp/x']], (config) => {
    config.linux.seccomp = allowBut({ names: ['no_such_call', 'mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' });
  });
  t.equal(mkdir.errno, 'EPERM');
});

/** Four instructions each; the kernel accepts 4096. */
function refusedValues(count: number): Rule[] {
  return Array.from({ length: count }, (_, value) => ({
    names: ['sched_get_priority_max'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: 90,
    args: [{ index: 0, value: value + 1000, op: 'SCMP_CMP_EQ' }],
  }));
}

forEachRuntime('linux.seccomp without noNewPrivileges: the profile need not allow recvmsg for start', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/sh', '-c', 'echo began; exec sleep 600'];
    config.process.noNewPrivileges = false;
    config.linux.seccomp = allowBut({ names: ['recvmsg'], action: 'SCMP_ACT_ERRNO', errnoRet: 90 });
  });
  const container = await rt.create(bundle);
  const started = await container.start();
  t.equal(started.status, 0, started.stderr);
  await until('it runs', () => container.stdout().includes('began'));
  t.equal((await container.remove('--force')).status, 0);
});

for (const noNewPrivileges of [true, false]) {
  forEachRuntime(`linux.seccomp: 1000 rules, noNewPrivileges ${noNewPrivileges}`, async (t, rt) => {
    const values = ['999', '1000', '1999', '2000'];
    const results = await rt.observe<Attempt[]>(
      values.map((argument) => ['syscall', GET_PRIORITY_MAX, argument]),
      (config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.linux.seccomp = allowBut(...refusedValues(1000));
      },
    );
    t.strictSame(
      results.map(({ errno }) => errno === 'EMSGSIZE'),
      [false, true, true, false],
    );
  });
}

for (const [what, seccomp] of [
  ['an unknown action', { defaultAction: 'SCMP_ACT_NOSUCH' }],
  ['an unknown architecture', { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_NOSUCH'] }],
  [
    'an unknown operator',
    allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 1, op: 'NOSUCH' }] }),
  ],
  [
    'an argument index of 6',
    allowBut({
      names: ['mkdir', 'mkdirat'],
      action: 'SCMP_ACT_ERRNO',
      args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }],
    }),
  ],
  ['a filter larger than the kernel takes', allowBut(...refusedValues(1100))],
  ['an unknown flag', { defaultAction: 'SCMP_ACT_ALLOW', flags: ['NOSUCH'], syscalls: [] }],
] as const) {
  forEachRuntime(
    `linux.seccomp: ${what} is refused`,
    async (t, rt) => {
      const outcome = await rt.run((config) => (config.linux.seccomp = { ...seccomp }));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, /seccomp|NOSUCH|index/i);
    },
    {
      deviates: {
        crun: 'accepts some',
        ...(what.includes('larger') ? { runc: 'needs less instructions for it' } : {}),
      },
    },
  );
}

/** Lines of the kernel's log about a program stopped by a filter. */
function logged(program: string): number {
  const { stdout } = spawnSync('dmesg', { encoding: 'utf8', maxBuffer: 1 << 28 });
  return stdout.split('\n').filter((line) => line.includes('type=1326') && line.includes(`comm="${program}"`)).length;
}

/**
 * Whether the log has such a line; the kernel limits the rate to a few lines in five seconds, which others may have
 * used up.
 */
async function isLogged(name: string, attempt: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 30_000 * PATIENCE;
  for (;;) {
    const isAsExpected = await attempt();
    if (logged(name) > 0) return true;
    if (!isAsExpected || Date.now() > deadline) return false;
  }
}

forEachRuntime('linux.seccomp: SCMP_ACT_LOG allows the call and logs it', async (t, rt) => {
  const name = `act${process.pid}${rt.runtime.name}`.slice(0, 15);
  const attempt = async (action: string): Promise<boolean> => {
    const bundle = rt.bundle((config) => {
      config.process.args = [`/bin/${name}`, 'syscall', GETPID];
      config.linux.seccomp = allowBut({ names: ['getpid'], action });
    });
    copyFileSync(probePath(), join(bundle.rootfs, 'bin', name));
    return t.match((await rt.runBundle(bundle)).stdout, '{"errno":null}');
  };
  await attempt('SCMP_ACT_ALLOW');
  t.equal(logged(name), 0);
  const actions = readFileSync('/proc/sys/kernel/seccomp/actions_logged', 'utf8');
  if (!actions.includes('log')) t.comment('kernel.seccomp.actions_logged does not have log');
  else t.ok(await isLogged(name, () => attempt('SCMP_ACT_LOG')));
});

forEachRuntime(
  'linux.seccomp.flags SECCOMP_FILTER_FLAG_LOG logs refused calls',
  async (t, rt) => {
    const actions = readFileSync('/proc/sys/kernel/seccomp/actions_logged', 'utf8');
    if (!actions.includes('errno')) {
      t.comment('kernel.seccomp.actions_logged does not have errno');
      return;
    }
    const attempt = async (program: string, flags: string[]): Promise<Outcome> => {
      const bundle = rt.bundle((config) => {
        config.process.args = [`/bin/${program}`, 'mkdir', '/tmp/x'];
        config.linux.seccomp = { ...allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }), flags };
      });
      copyFileSync(probePath(), join(bundle.rootfs, 'bin', program));
      return rt.runBundle(bundle);
    };
    const name = `log${process.pid}${rt.runtime.name}`.slice(0, 15);
    const loud = async (): Promise<boolean> => {
      const outcome = await attempt(name, ['SECCOMP_FILTER_FLAG_LOG']);
      return t.match(outcome.stdout, 'EPERM', outcome.stderr);
    };
    t.ok(await isLogged(name, loud), 'with the flag');
    const quiet = `no${process.pid}${rt.runtime.name}`.slice(0, 15);
    t.match((await attempt(quiet, [])).stdout, 'EPERM');
    t.equal(logged(quiet), 0, 'without it');
  },
  { deviates: { runc: '1.1 takes no flags' } },
);

forEachRuntime(
  'linux.seccomp.flags SECCOMP_FILTER_FLAG_SPEC_ALLOW keeps speculation, an empty list does not',
  async (t, rt) => {
    const field = async (flags?: string[]): Promise<string> => {
      const [status] = await rt.observe<[{ text: string }]>([['read', '/proc/self/status']], (config) => {
        config.linux.seccomp = {
          ...allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }),
          ...(flags === undefined ? {} : { flags }),
        };
      });
      return /^Speculation_Store_Bypass:\t(.*)$/m.exec(status.text)?.[1] ?? '';
    };
    const allowed = await field(['SECCOMP_FILTER_FLAG_SPEC_ALLOW']);
    t.equal(await field(), allowed, 'the default is the kernel before 5.16');
    const mitigated = await field([]);
    // Since Linux 5.16 a filter decides only if the kernel was booted with spec_store_bypass_disable=seccomp.
    const host = readFileSync('/sys/devices/system/cpu/vulnerabilities/spec_store_bypass', 'utf8').trim();
    if (/seccomp/.test(host)) t.match(mitigated, /mitigated/);
    else t.equal(mitigated, allowed, `nothing to decide on this host: ${host}`);
  },
  { deviates: { runc: '1.1 adds no default flag', crun: '1.8 adds no default flag' } },
);

forEachRuntime(
  'linux.seccomp.flags SECCOMP_FILTER_FLAG_TSYNC is accepted: there is one thread',
  async (t, rt) => {
    const [mkdir] = await rt.observe<[Attempt]>([['mkdir', '/tmp/x']], (config) => {
      const filter = allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' });
      config.linux.seccomp = { ...filter, flags: ['SECCOMP_FILTER_FLAG_TSYNC'] };
    });
    t.equal(mkdir.errno, 'EPERM');
  },
  { deviates: { runc: '1.1 takes no flags' } },
);

forEachRuntime(
  'linux.seccomp without noNewPrivileges: the profile need not allow the calls that prepare the program',
  async (t, rt) => {
    // The lookup of the program and the working directory, change of user, and reading of files.
    const names = 'getcwd chdir statx newfstatat faccessat2 openat2 setgroups setresuid setresgid'.split(' ');
    const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
      config.process.noNewPrivileges = false;
      config.process.user = { uid: 1000, gid: 1000 };
      config.linux.seccomp = allowBut({ names, action: 'SCMP_ACT_ERRNO' });
    });
    t.equal(ids.seccomp, '2');
    t.equal(ids.noNewPrivs, 0);
    t.equal(BigInt(`0x${ids.permitted}`) & (1n << 21n), 0n, 'the right to load a filter is gone');
  },
  { deviates: { runc: 'calls getcwd under the filter', crun: 'changes the user under the filter' } },
);

forEachRuntime(
  'linux.seccomp.flags SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV without SCMP_ACT_NOTIFY is a warning',
  async (t, rt) => {
    for (const noNewPrivileges of [true, false]) {
      const outcome = await rt.run((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.process.args = ['/bin/probe', 'mkdir', '/tmp/x'];
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
          syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
        };
      });
      t.match(outcome.stdout, 'ENOSPC', 'the filter holds');
      t.match(outcome.stderr, /^rt: warning: .*WAIT_KILLABLE_RECV has no effect .*\n.*\/linux\/seccomp\/flags\/1\n$/);
    }
  },
  { oursOnly: 'the peers of Debian 12 do not know the flag' },
);
