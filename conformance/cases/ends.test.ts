/** What a foreground command, `state` and `delete` say about a program that the kernel or another process ended. */
import { lackingController } from '../harness/cgroup.ts';
import type { Mutation } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { CaseOptions } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;

const OURS: CaseOptions = { oursOnly: 'others say nothing' };
const NEEDS_MEMORY: CaseOptions = { ...OURS, lacking: lackingController('memory') };
const NEEDS_PIDS: CaseOptions = { ...OURS, lacking: lackingController('pids') };

const little: Mutation = (config) => (config.linux.resources['memory'] = { limit: 16 * MIB, swap: 16 * MIB });
const hog = ['memhog', String(64 * MIB)];

forEachRuntime(
  'run names the memory limit that ended its program, or a part of it',
  async (t, rt) => {
    const whole = await rt.run((config) => {
      little(config);
      config.process.args = ['/bin/probe', ...hog];
    });
    t.equal(whole.status, 137);
    t.match(
      whole.stderr,
      /^rt: warning: the program was killed by SIGKILL, and 1 process of the container was OOM-killed at the limit of 16777216 bytes\n {2}config\.json:\d+:\d+ {2}\/linux\/resources\/memory\/limit\n {2}hint: raise linux\.resources\.memory\.limit\n$/,
    );
    const part = await rt.run((config) => {
      little(config);
      config.process.args = ['/bin/sh', '-c', `/bin/probe ${hog.join(' ')}; exit 3`];
    });
    t.equal(part.status, 3);
    t.match(part.stderr, /^rt: warning: 1 process of the container was OOM-killed at the limit/m);
  },
  NEEDS_MEMORY,
);

forEachRuntime(
  'exec, state and delete tell of processes killed for want of memory',
  async (t, rt) => {
    const container = await rt.started(['wait'], little);
    t.notOk('oomKills' in (await container.state()));
    const outcome = await rt.command('exec', container.id, '/bin/probe', ...hog);
    t.equal(outcome.status, 137);
    t.match(
      outcome.stderr,
      /^rt: warning: the program was killed by SIGKILL, and 1 process of the container was OOM-killed\n/,
    );
    t.match(await container.state(), { oomKills: 1 });
    const removed = await rt.command('delete', '--force', container.id);
    t.match(removed, { status: 0, stderr: 'rt: warning: 1 process of the container was OOM-killed\n' });
  },
  NEEDS_MEMORY,
);

forEachRuntime(
  'a program that another process kills, by run and exec',
  async (t, rt) => {
    const id = rt.nextId();
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    const running = rt.background('run', '--bundle', bundle.dir, id);
    await until('the program runs', () => running.output().includes('ready'));
    const inside = await rt.command('exec', id, '/bin/sh', '-c', 'kill -9 $$');
    const words = 'rt: warning: the program was killed by SIGKILL, but not for want of memory\n';
    const hint = '  hint: another process has sent it\n';
    t.match(inside, { status: 137, stderr: words + hint });
    t.equal((await rt.command('kill', id, 'KILL')).status, 0);
    t.match(await running.ended, { status: 137, stderr: words + hint });
  },
  OURS,
);

forEachRuntime(
  'run names the limit of processes if a program fails that has reached it',
  async (t, rt) => {
    const text = 'for i in 1 2 3 4 5 6; do busybox sleep 9 & done';
    const outcome = await rt.run((config) => {
      config.process.args = ['/bin/busybox', 'sh', '-c', text];
      config.linux.resources = { pids: { limit: 4 } };
    });
    t.equal(outcome.status, 2);
    t.match(
      outcome.stderr,
      /^rt: warning: \d+ times? a process or thread could not be made at the limit of 4\n {2}config\.json:\d+:\d+ {2}\/linux\/resources\/pids\/limit\n/m,
    );
  },
  NEEDS_PIDS,
);

forEachRuntime(
  'run names the rule of a profile that ended its program',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['ptrace'], action: 'SCMP_ACT_ERRNO' },
          { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL_PROCESS' },
        ],
      };
      config.process.args = ['/bin/busybox', 'mkdir', '/tmp/x'];
    });
    t.equal(outcome.status, 128 + 31);
    t.match(
      outcome.stderr,
      /^rt: warning: the program was killed by SIGSYS: linux\.seccomp, or a filter of its own, does not allow a system call that it made\n {2}config\.json:\d+:\d+ {2}\/linux\/seccomp\/syscalls\/1\/action\n {2}hint: run it with --explain-denied, .*dmesg/,
    );
  },
  OURS,
);
