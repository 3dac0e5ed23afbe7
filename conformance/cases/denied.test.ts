import { NATIVE_ARCHITECTURE } from '../harness/calls.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

/** What the profile refuses, told before a run and during it. */

const OURS = { oursOnly: 'the peers have no such command or option' };

forEachRuntime(
  'seccomp explain tells which rules decide on a call',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: [NATIVE_ARCHITECTURE],
        syscalls: [
          { names: ['mount'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
          { names: ['kill'], action: 'SCMP_ACT_KILL', args: [{ index: 1, value: 9, op: 'SCMP_CMP_EQ' }] },
        ],
      };
    });
    const explain = (...words: string[]) => rt.command('seccomp', ...words, '--bundle', bundle.dir);
    const place = String.raw` {2}\[config\.json:\d+:\d+\]\n`;
    t.match(await explain('explain', 'mount'), {
      status: 0,
      stdout: new RegExp(
        String.raw`^mount, \w+, number \d+\n {2}fails with EPERM \(operation not permitted\)${place}$`,
      ),
    });
    t.match(
      (await explain('explain', 'kill')).stdout,
      /\n {2}ends its thread with SIGSYS if argument 1 == SIGKILL {2}\[.*\n {2}otherwise it is allowed, the default/,
    );
    t.match(await explain('explain', 'muont'), {
      status: 1,
      stderr: /unknown system call "muont"\n {2}hint: did you mean mount\?/,
    });
    t.match(await explain('explore', 'mount'), { status: 1, stderr: /unknown seccomp command "explore"/ });
  },
  OURS,
);
