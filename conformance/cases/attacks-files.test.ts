/* Attacks on what rt does to files while it makes a container: somebody else can write where it works. */
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { probePath } from '../harness/guest.ts';
import { start } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

const STARTS = 60;

forEachRuntime(
  'linux.devices: a node that changes places with a link does not open up a file of the host',
  async (t, rt) => {
    const volume = join(rt.dir, 'volume');
    const canary = join(rt.dir, 'canary');
    mkdirSync(volume);
    writeFileSync(canary, 'of the host');
    chmodSync(canary, 0o600);
    execFileSync('mknod', [join(volume, 'node'), 'c', '1', '3']);
    symlinkSync(canary, join(volume, 'link'));
    const bundle = rt.bundle((config) => {
      config.mounts.push({ destination: '/volume', type: 'bind', source: volume, options: ['rbind'] });
      config.linux.devices = [{ path: '/volume/node', type: 'c', major: 1, minor: 3, fileMode: 0o666 }];
    });
    const accomplice = start([probePath(), 'exchange', join(volume, 'node'), join(volume, 'link')], {
      deadline: 600_000,
    });
    try {
      let created = 0;
      for (let count = 0; count < STARTS && (statSync(canary).mode & 0o7777) === 0o600; count += 1) {
        const container = await rt.create(bundle);
        if (container.outcome.status !== 0) continue;
        created += 1;
        await container.remove('--force');
      }
      t.equal(statSync(canary).mode & 0o7777, 0o600, 'the mode of the file of the host');
      t.not(created, 0, 'the node was at its place in some of the starts');
    } finally {
      accomplice.child.kill('SIGKILL');
      t.equal((await accomplice.ended).status, 137, 'the accomplice was at work all the time');
    }
  },
);
