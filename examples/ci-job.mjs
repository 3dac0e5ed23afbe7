// The steps of a job, each in a new container: the first that fails ends the job.
import { Sandbox } from 'rt';

const rootfs = process.argv[2];
const steps = ['echo build', 'echo test; exit 3', 'echo deploy'];
for (const step of steps) {
  const { stdout, exitCode, reason, usage } = await Sandbox.run({
    rootfs,
    args: ['/bin/sh', '-c', step],
    timeout: 60_000,
  });
  console.log(`${step}: ${reason} ${exitCode}, ${usage.time > 0 ? 'took some time' : ''}: ${stdout.trim()}`);
  if (exitCode !== 0) break;
}
