import { readFileSync } from 'node:fs';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import type { Mutation } from '../harness/config.ts';

/** Actions that need CAP_SYS_RESOURCE, capabilities(7): raising hard limits, lowering oom_score_adj. */
const CAP_SYS_RESOURCE = 24n;
const effective = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
const may = ((effective >> CAP_SYS_RESOURCE) & 1n) === 1n;
const lacking = may ? undefined : 'root has no CAP_SYS_RESOURCE here';
const having = may ? 'root has CAP_SYS_RESOURCE here' : undefined;

/** Runs a container with a runtime whose limits were lowered by another command. */
function runBelow(rt: Sandbox, command: readonly string[], mutate: Mutation): Promise<Outcome> {
  const words = rt.argv('run', '--bundle', rt.bundle(mutate).dir, rt.nextId());
  return run([...command, ...words], { env: rt.env });
}

const FEW_FILES = ['prlimit', '--nofile=1000:1000'] as const;
const moreFiles: Mutation = (config) => {
  config.process.args = ['/bin/probe', 'rlimits'];
  config.process.user = { uid: 1000, gid: 1000 };
  config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 2000, hard: 3000 }];
};

const EASY_VICTIM = ['choom', '--adjust', '500', '--'] as const;
const hardVictim: Mutation = (config) => {
  config.process.args = ['/bin/probe', 'read', '/proc/self/oom_score_adj'];
  config.process.user = { uid: 1000, gid: 1000 };
  config.process.oomScoreAdj = -500;
};

forEachRuntime(
  'process.rlimits above the hard limit of the caller',
  async (t, rt) => {
    const { stdout, stderr } = await runBelow(rt, FEW_FILES, moreFiles);
    t.strictSame((JSON.parse(stdout) as Record<string, string[]>)['RLIMIT_NOFILE'], ['2000', '3000'], stderr);
  },
  { lacking },
);

forEachRuntime(
  'process.rlimits: priorities, whose default limit is 0',
  async (t, rt) => {
    const { stdout, stderr } = await rt.run((config) => {
      config.process.args = ['/bin/probe', 'rlimits'];
      config.process.rlimits = [
        { type: 'RLIMIT_NICE', soft: 5, hard: 6 },
        { type: 'RLIMIT_RTPRIO', soft: 7, hard: 8 },
      ];
    });
    const limits = JSON.parse(stdout) as Record<string, string[]>;
    t.strictSame(
      [limits['RLIMIT_NICE'], limits['RLIMIT_RTPRIO']],
      [
        ['5', '6'],
        ['7', '8'],
      ],
      stderr,
    );
  },
  { lacking },
);

forEachRuntime(
  'process.rlimits above the hard limit of the caller, without CAP_SYS_RESOURCE, names the limit',
  async (t, rt) => {
    const { status, stderr } = await runBelow(rt, FEW_FILES, moreFiles);
    t.equal(status, 1);
    t.match(stderr, /RLIMIT_NOFILE.*operation not permitted.*\n.*\/process\/rlimits\/0/);
  },
  { lacking: having, oursOnly: 'messages' },
);

forEachRuntime(
  'process.oomScoreAdj below that of the caller',
  async (t, rt) => {
    const { stdout, stderr } = await runBelow(rt, EASY_VICTIM, hardVictim);
    t.equal((JSON.parse(stdout) as { text: string }).text, '-500\n', stderr);
  },
  { lacking },
);

forEachRuntime(
  'process.oomScoreAdj below that of the caller, without CAP_SYS_RESOURCE, is refused',
  async (t, rt) => {
    const { status, stderr } = await runBelow(rt, EASY_VICTIM, hardVictim);
    t.equal(status, 1);
    t.match(stderr, /oom_score_adj.*permi.*\n.*\/process\/oomScoreAdj/i);
  },
  { lacking: having, oursOnly: 'messages' },
);
