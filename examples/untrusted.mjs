// Programs that nobody trusts, and how each of them ends.
import { Sandbox } from 'rt';

const limits = { memory: 32 << 20, pids: 16, cpus: 0.5, output: 10_000 };
const programs = {
  good: 'cat /tmp/files/input',
  endless: 'while :; do :; done',
  greedy: 'x=a; while :; do x=$x$x; done',
  talkative: 'while :; do echo again; done',
  curious: 'mount -t tmpfs none /tmp',
};
for (const [name, script] of Object.entries(programs)) {
  const { reason, stdout } = await Sandbox.run({
    rootfs: process.argv[2],
    args: ['/bin/sh', '-c', script],
    files: { input: 'hello' },
    timeout: 1000,
    denied: 'kill',
    limits,
  });
  console.log(`${name}: ${reason}${name === 'good' ? `, ${stdout}` : ''}`);
}
