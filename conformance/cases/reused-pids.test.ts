/** A pid that a command has read in a cgroup may be that of another process of the host before it is signalled. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isUnified } from '../harness/cgroup.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

const LAST_PID = '/proc/sys/kernel/ns_last_pid';
const lacking = existsSync(LAST_PID) ? undefined : 'the kernel lets nobody choose a pid (CONFIG_CHECKPOINT_RESTORE)';
/** Calls with which a process can be signalled, and microseconds for which strace(1) holds each of them back. */
const CALLS = 'kill,pidfd_send_signal';
const HELD = 2_000_000;
/** Other processes of the machine take pids, too. */
const ATTEMPTS = 200;

function stateOf(pid: number): string {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** A process of the host with this pid. */
function replacement(pid: number): ChildProcess {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    writeFileSync(LAST_PID, String(pid - 1));
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    if (child.pid === pid) return child;
    child.kill('SIGKILL');
  }
  throw new Error(`no process got the pid ${pid}`);
}

/** The process that strace(1) has started stands still for long. */
async function isHeld(strace: number): Promise<boolean> {
  const children = readFileSync(`/proc/${strace}/task/${strace}/children`, 'utf8').trim();
  for (let look = 0; look < 10; look += 1) {
    if (children === '' || stateOf(Number(children)) !== 't') return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}

for (const signal of ['TERM', 'KILL']) {
  forEachRuntime(
    `kill --all ${signal}: a process that has got the pid of one that ended meanwhile lives on`,
    async (t, rt) => {
      const container = await rt.runDetached(
        rt.bundle((config) => {
          const script = 'trap "" TERM; sleep 600 & echo ready; while :; do wait; sleep 0.1; done';
          config.process.args = ['/bin/sh', '-c', script];
        }),
      );
      await until('it runs', () => container.stdout().includes('ready'));
      const { pid } = await container.state();
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
      const [victim = 0] = children;
      await until('its child sleeps', () => stateOf(victim) === 'S');
      const strace = [
        'strace',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        `trace=${CALLS}`,
        '-e',
        `inject=${CALLS}:delay_enter=${HELD}`,
      ];
      const killing = rt.backgroundThrough(strace, 'kill', '--all', container.id, signal);
      await until('it is about to signal', () => isHeld(killing.child.pid ?? 0));
      // The container ends it in the meantime.
      execFileSync('kill', ['-KILL', String(victim)]);
      await until('it is gone', () => stateOf(victim) === '');
      const other = replacement(victim);
      await killing.ended;
      t.equal(other.signalCode, null, 'no signal has reached it');
      t.match(stateOf(victim), /[SR]/);
      other.kill('SIGKILL');
      await container.remove('--force');
    },
    { lacking: lacking ?? (signal === 'KILL' && isUnified() ? 'cgroup.kill of cgroup v2 needs no pids' : undefined) },
  );
}
