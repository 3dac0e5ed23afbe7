// The output of a program, line by line while it runs.
import { createInterface } from 'node:readline';
import { Sandbox } from 'rt';

const sandbox = new Sandbox({
  rootfs: process.argv[2],
  args: ['/bin/sh', '-c', 'for i in 1 2 3; do echo line $i; done'],
});
const { stdout, stderr, ended } = await sandbox.spawn();
stderr.resume();
for await (const line of createInterface({ input: stdout })) console.log(`> ${line}`);
console.log((await ended).reason);
