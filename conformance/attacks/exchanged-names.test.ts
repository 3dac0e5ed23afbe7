/**
 * Races on names: another container shares a directory and exchanges a name in it with a symbolic link to the host
 * while the runtime works there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { canLoadProfiles, withProfile } from '../harness/apparmor.ts';
import { SECRET, attack, rounds, whileExchanging } from '../harness/attack.ts';
import type { TestConfig } from '../harness/config.ts';
import { answers } from '../harness/guest.ts';
import type { Attempt, Stat, Text } from '../harness/guest.ts';
import { parseMountinfo } from '../harness/mountinfo.ts';
import type { Outcome } from '../harness/process.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';

/** Extends the time between the check of a name and its use: calls that take paths are delayed. */
const CALLS = 'openat2,open_tree,move_mount,mount,mkdirat,mknodat,symlinkat,fchownat,fchmodat,fchmodat2';
const SLOWLY = ['strace', '-f', '-o', '/dev/null', '-e', `trace=${CALLS}`, '-e', `inject=${CALLS}:delay_enter=1000`];
const SLOW_EVERY = 50;

/** A race continues until one round is not refused. */
const MOST_ROUNDS = 200;

/** A directory shared by containers, with a directory `name` and a link `link`. */
function makeVolume(rt: Sandbox, name: string, target: string): string {
  const volume = join(rt.dir, 'volume');
  mkdirSync(join(volume, name), { recursive: true });
  symlinkSync(target, join(volume, 'link'));
  return volume;
}

function bindVolume(config: TestConfig, source: string, destination = '/volume'): void {
  config.mounts.push({ destination, type: 'bind', source, options: ['rbind'] });
}

interface Race {
  readonly names: readonly [string, string];
  readonly mode?: string;
  readonly rounds: number;
  /** Called before each round with its number, for a new name, since results of earlier rounds remain. */
  readonly prepare: (round: number) => Bundle;
  /** Called after a round. */
  readonly check?: (outcome: Outcome) => void;
}

/** A round may be refused if the name is the link at that moment; only the other rounds count. */
function goesOn(rt: Sandbox, round: number, rounds: number, succeeded: number): boolean {
  return round < rounds || (rt.runtime.ours && succeeded === 0 && round < MOST_ROUNDS);
}

/** Runs a container repeatedly during the race. It may be refused, but not every time. */
async function race(t: Test, rt: Sandbox, { names, mode, rounds, prepare, check }: Race): Promise<void> {
  let ran = 0;
  await whileExchanging(
    t,
    names,
    async () => {
      for (let round = 0; goesOn(rt, round, rounds, ran); round++) {
        const bundle = prepare(round);
        const words = ['run', '--bundle', bundle.dir, rt.nextId()];
        // Not for a peer written in Go, whose language runtime strace slows down by seconds.
        const slow = rt.runtime.ours && round % SLOW_EVERY === 1;
        const outcome = slow ? await rt.commandThrough(SLOWLY, ...words) : await rt.command(...words);
        if (outcome.status === 0) ran++;
        check?.(outcome);
      }
    },
    mode,
  );
  if (rt.runtime.ours) t.not(ran, 0, `the container ran in ${ran} rounds`);
}

/** The probe's lines; none if the container did not start. */
const linesOf = ({ status, stdout }: Outcome): unknown[] => (status === 0 ? answers(stdout) : []);

attack('a mount below a directory that changes places with a link stays in the root', async (t, rt, canary) => {
  const volume = makeVolume(rt, 'a', canary.dir);
  const source = join(rt.dir, 'source');
  mkdirSync(source);
  const bundle = rt.bundle((config) => {
    bindVolume(config, volume);
    for (let number = 0; number < 8; number++) {
      const destination = `/volume/a/m${number}`;
      config.mounts.push(
        number % 2 === 0
          ? { destination, type: 'bind', source, options: ['bind'] }
          : { destination, type: 'tmpfs', source: 'race' },
      );
    }
    config.process.args = ['/bin/probe', 'read', '/proc/self/mountinfo', '--', 'read', `/volume/a/victim`];
  });
  const allowed = new RegExp(`^(/volume/(a|link)|${canary.dir})/m\\d$`);
  await race(t, rt, {
    names: [join(volume, 'a'), join(volume, 'link')],
    rounds: rounds(rt, 12),
    prepare: () => bundle,
    check: (outcome) => {
      const [info, victim] = linesOf(outcome) as [Text?, Text?];
      for (const mount of parseMountinfo(info?.text ?? '')) {
        if (mount.source !== 'race' && !mount.root.endsWith('/source')) continue;
        if (!allowed.test(mount.target)) t.fail(`mounted on ${mount.target}`);
      }
      t.not(victim?.text, SECRET);
    },
  });
});

for (const [kind, missing] of [
  ['directories', 'd'],
  ['a file', 'f'],
] as const) {
  attack(
    `missing mount points below a directory that changes places with a link make nothing on the host: ${kind}`,
    async (t, rt, canary) => {
      const volume = makeVolume(rt, 'a', canary.devices);
      const source = join(rt.dir, 'source');
      if (missing === 'd') mkdirSync(source);
      else writeFileSync(source, '');
      const bundle = rt.bundle((config) => bindVolume(config, volume));
      const others = bundle.config.mounts;
      await race(t, rt, {
        names: [join(volume, 'a'), join(volume, 'link')],
        rounds: rounds(rt, 12),
        prepare: (round) => {
          const destinations = [0, 1, 2, 3].map((number) => `/volume/a/r${round}/${number}/${missing}`);
          bundle.config.mounts = [
            ...others,
            ...destinations.map((destination) => ({ destination, type: 'bind', source, options: ['bind'] })),
          ];
          bundle.save();
          return bundle;
        },
      });
    },
  );
}

attack('copy-symlink: a file that changes places with a link opens nothing of the host', async (t, rt, canary) => {
  const volume = makeVolume(rt, 'directory', canary.victim);
  const source = join(volume, 'file');
  writeFileSync(source, 'of the volume');
  const bundle = rt.bundle();
  const others = bundle.config.mounts;
  await race(t, rt, {
    names: [source, join(volume, 'link')],
    rounds: rounds(rt, 60),
    prepare: (round) => {
      const destination = `/copy${round}`;
      bundle.config.mounts = [...others, { destination, type: 'bind', source, options: ['bind', 'copy-symlink'] }];
      bundle.config.process.args = ['/bin/probe', 'read', destination];
      bundle.save();
      return bundle;
    },
    check: (outcome) => {
      const [copy] = linesOf(outcome) as [Text?];
      t.not(copy?.text, SECRET);
    },
  });
});

for (const kind of ['directory', 'file'] as const) {
  attack(`tmpcopyup: a ${kind} that changes places with a link copies nothing of the host`, async (t, rt, canary) => {
    const volume = makeVolume(rt, 'd', kind === 'file' ? canary.victim : canary.dir);
    const name = join(volume, kind === 'file' ? 'd/f' : 'd/e');
    if (kind === 'file') writeFileSync(name, 'of the volume');
    else mkdirSync(join(name, 'deep/er'), { recursive: true });
    for (let number = 0; number < 50; number++) writeFileSync(join(volume, 'd', `${number}`), '');
    const bundle = rt.bundle((config) => {
      bindVolume(config, volume);
      config.mounts.push({ destination: '/volume/d', type: 'tmpfs', source: 't', options: ['tmpcopyup'] });
      const below = kind === 'file' ? '/volume/d/f' : '/volume/d/e/victim';
      config.process.args = ['/bin/probe', 'read', below, '--', 'stat', '/volume/d/0'];
    });
    await race(t, rt, {
      names: [name, join(volume, 'link')],
      rounds: rounds(rt, 30),
      prepare: () => bundle,
      check: (outcome) => {
        const [copy, other] = linesOf(outcome) as [Text?, Stat?];
        t.not(copy?.text, SECRET);
        if (outcome.status === 0) t.equal(other?.type, 'file');
      },
    });
  });
}

attack(
  'linux.devices: a node that changes places with a link does not open up a file of the host',
  async (t, rt, canary) => {
    const volume = makeVolume(rt, 'd', canary.victim);
    execFileSync('mknod', [join(volume, 'node'), 'c', '1', '3']);
    const bundle = rt.bundle((config) => {
      bindVolume(config, volume);
      config.linux.devices = [{ path: '/volume/node', type: 'c', major: 1, minor: 3, fileMode: 0o666 }];
    });
    await race(t, rt, {
      names: [join(volume, 'node'), join(volume, 'link')],
      mode: '600',
      rounds: rounds(rt, 12),
      prepare: () => bundle,
    });
    t.equal(statSync(canary.victim).mode & 0o7777, 0o600, 'the mode of the file of the host');
  },
);

attack('a /dev of the image that changes places with a link gets no nodes of the host', async (t, rt, canary) => {
  const bundle = rt.bundle((config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
  });
  symlinkSync(canary.devices, join(bundle.rootfs, 'link'));
  await race(t, rt, {
    names: [join(bundle.rootfs, 'dev'), join(bundle.rootfs, 'link')],
    rounds: rounds(rt, 12),
    prepare: () => bundle,
  });
});

attack('a mask is a null device, even while that changes places with a link', async (t, rt, canary) => {
  const devices = makeVolume(rt, 'pts', '/proc/sys/kernel/domainname');
  execFileSync('mknod', [join(devices, 'null'), 'c', '1', '3']);
  const bundle = rt.bundle((config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
    bindVolume(config, devices, '/dev');
    config.linux.maskedPaths = ['/secret'];
    config.process.args = ['/bin/probe', 'stat', '/secret'];
  });
  writeFileSync(join(bundle.rootfs, 'secret'), 'secret');
  await race(t, rt, {
    names: [join(devices, 'null'), join(devices, 'link')],
    rounds: rounds(rt, 12),
    prepare: () => bundle,
    check: (outcome) => {
      for (const line of linesOf(outcome)) t.match(line, { type: 'char', major: 1, minor: 3 });
    },
  });
  t.ok(existsSync(canary.victim));
});

attack('a /dev/console that changes places with a link is the terminal, or nothing', async (t, rt, canary) => {
  const devices = makeVolume(rt, 'pts', canary.missing);
  writeFileSync(join(devices, 'console'), '');
  const bundle = rt.bundle((config) => {
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev');
    const at = config.mounts.findIndex(({ destination }) => destination === '/dev/pts');
    config.mounts.splice(at, 0, { destination: '/dev', type: 'bind', source: devices, options: ['bind'] });
    config.process.terminal = true;
    config.process.args = ['/bin/probe', 'stat', '/dev/console'];
  });
  await whileExchanging(t, [join(devices, 'console'), join(devices, 'link')], async () => {
    for (let round = 0; round < rounds(rt, 8); round++) {
      const session = new TerminalSession(rt, rt.argv('run', '--bundle', bundle.dir, rt.nextId()));
      const { status } = await session.end();
      if (status !== 0) continue;
      const console = JSON.parse(/\{.*\}/.exec(session.output())?.[0] ?? '{}') as Partial<Stat>;
      // The name is the link at that moment, whose target does not exist in the container.
      if (console.type !== undefined && console.type !== 'link') t.match(console, { type: 'char', major: 136 });
    }
  });
});

/** Settings written to files in /proc, which a mount could hide. */
const SYSCTL = { 'net.ipv4.ping_group_range': '0 2147483647', 'kernel.msgmnb': '17000' };

for (const [what, target] of [
  ['attributes', '/proc/self/attr'],
  ['processes', '/proc/self'],
  ['settings', '/proc/sys'],
] as const) {
  attack(
    `sysctls and the OOM score are set while a mount point changes places with a link to ${what} in /proc`,
    async (t, rt) => {
      const volume = makeVolume(rt, 'a', target);
      const bundle = rt.bundle((config) => {
        bindVolume(config, volume);
        for (let number = 0; number < 2; number++)
          config.mounts.push({ destination: '/volume/a', type: 'tmpfs', source: 'race' });
        config.linux.sysctl = SYSCTL;
        config.process.oomScoreAdj = 500;
        config.process.args = ['/bin/probe', 'pause'];
      });
      let created = 0;
      await whileExchanging(t, [join(volume, 'a'), join(volume, 'link')], async () => {
        for (let round = 0; goesOn(rt, round, rounds(rt, 4), created); round++) {
          const container = await rt.create(bundle);
          if (container.outcome.status === 0) {
            created++;
            const { pid } = await container.state();
            t.equal(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'), '500\n');
            // Read from the host, since the container's /proc may be covered.
            const read = (name: string): string =>
              execFileSync('nsenter', [`--target=${pid}`, '--net', '--ipc', 'cat', `/proc/sys/${name}`], {
                encoding: 'utf8',
              });
            t.equal(read('net/ipv4/ping_group_range'), '0\t2147483647\n');
            t.equal(read('kernel/msgmnb'), '17000\n');
          }
          await rt.command('delete', '--force', container.id);
        }
      });
      if (rt.runtime.ours) t.not(created, 0, `created in ${created} rounds`);
    },
  );
}

attack(
  'the label is set while a mount point changes places with a link into /proc',
  async (t, rt) => {
    await withProfile(rt, async (profile) => {
      const volume = makeVolume(rt, 'a', '/proc/self/attr');
      const bundle = rt.bundle((config) => {
        bindVolume(config, volume);
        for (let number = 0; number < 2; number++)
          config.mounts.push({ destination: '/volume/a', type: 'tmpfs', source: 'race' });
        config.process.apparmorProfile = profile;
        config.process.args = ['/bin/probe', 'pause'];
      });
      let started = 0;
      await whileExchanging(t, [join(volume, 'a'), join(volume, 'link')], async () => {
        for (let round = 0; goesOn(rt, round, rounds(rt, 12), started); round++) {
          const container = await rt.create(bundle);
          if (container.outcome.status === 0 && (await container.start()).status === 0) {
            started++;
            const { pid } = await container.state();
            t.equal(readFileSync(`/proc/${pid}/attr/current`, 'utf8'), `${profile} (enforce)\n`);
          }
          await rt.command('delete', '--force', container.id);
        }
      });
      if (rt.runtime.ours) t.not(started, 0, `started in ${started} rounds`);
    });
  },
  { lacking: canLoadProfiles ? undefined : 'AppArmor is not enabled here, or apparmor_parser is missing' },
);

attack(
  'mounts add: a name of the container that changes places with a link leads no mount out of it',
  async (t, rt, canary) => {
    const source = join(rt.dir, 'source');
    mkdirSync(source);
    const container = await rt.started(['pause']);
    const { rootfs } = container.bundle;
    mkdirSync(join(rootfs, 'a'));
    symlinkSync(canary.devices, join(rootfs, 'link'));
    let added = 0;
    await whileExchanging(t, [join(rootfs, 'a'), join(rootfs, 'link')], async () => {
      for (let round = 0; goesOn(rt, round, rounds(rt, 8), added); round++) {
        const mounts = [{ destination: `/a/r${round}/m`, type: 'bind', source, options: ['bind'] }];
        const { status } = await rt.commandWith({ input: JSON.stringify(mounts) }, 'mounts', 'add', container.id, '-');
        if (status === 0) added++;
      }
    });
    t.not(added, 0, `${added} were added`);
    const { stdout } = await rt.command('exec', container.id, '/bin/probe', 'open', canary.victim, 'r');
    t.not((answers(stdout)[0] as Attempt).errno, null);
    t.equal((await container.remove('--force')).status, 0);
    rmSync(join(rootfs, 'link'), { force: true, recursive: true });
  },
  { oursOnly: 'peers have no such command' },
);
