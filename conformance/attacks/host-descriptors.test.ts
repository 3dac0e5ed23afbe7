/** While the kernel looks up a program of a container, no descriptor of the runtime leads out of the container. */
import { chmodSync, chownSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { TestConfig } from '../harness/config.ts';
import { answers, guestProgram } from '../harness/guest.ts';
import { start } from '../harness/process.ts';
import { attack } from '../harness/attack.ts';
import type { Bundle, Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const SYSCTL = { 'net.ipv4.ip_unprivileged_port_start': '0' };

/** Output of `gate`: one open of a watched file. */
interface Opened {
  readonly exec: boolean;
  readonly fds: readonly (readonly [number, string])[];
}

/** The image's files that the kernel opens to look up the program: a script and its interpreters. */
function addScript(bundle: Bundle): string[] {
  const script = join(bundle.rootfs, 'bin/script');
  const interpreter = join(bundle.rootfs, 'bin/interpreter');
  writeFileSync(script, '#!/bin/interpreter true\n', { mode: 0o755 });
  copyFileSync(join(bundle.rootfs, 'bin/probe'), interpreter);
  chmodSync(interpreter, 0o755);
  return [script, interpreter];
}

/**
 * The descriptors other than the standard ones that are open whenever one of the files is opened, while `command` runs.
 */
async function watchOpens(rt: Sandbox, files: readonly string[], command: () => Promise<void>): Promise<Opened[]> {
  const gate = start([guestProgram('gate'), ...files], { env: rt.env, interactive: true });
  await until('the gate is shut', () => gate.output().includes('ready'));
  try {
    await command();
  } finally {
    gate.child.stdin?.end();
  }
  const { stdout } = await gate.ended;
  return answers(stdout)
    .slice(1)
    .map((line) => line as Opened)
    .map(({ exec, fds }) => ({ exec, fds: fds.filter(([fd]) => fd > 2) }));
}

function checkOpens(t: Test, opened: readonly Opened[]): void {
  const executed = opened.filter(({ exec }) => exec);
  t.ok(executed.length >= 2, 'the script and its interpreter were opened to be executed');
  for (const { fds } of executed) {
    t.ok(fds.length <= 1, `one socket at most: ${JSON.stringify(fds)}`);
    for (const [, link] of fds) t.match(link, /^socket:/);
  }
  for (const { fds } of opened) for (const [, link] of fds) t.match(link, /^socket:/, 'nothing that has names in it');
}

const settings: readonly (readonly [string, (config: TestConfig, other: string) => void])[] = [
  ['with the usual namespaces', (): void => undefined],
  [
    'with sysctls and a pid namespace that is joined',
    (config, other): void => {
      changeNamespace(config, 'pid', other);
      config.linux.sysctl = SYSCTL;
    },
  ],
  [
    'with a user namespace, masked paths and a filter',
    (config): void => {
      addUserNamespace(config);
      config.linux.sysctl = SYSCTL;
      config.linux.maskedPaths = ['/proc/kcore', '/proc/acpi', '/sys/firmware'];
      config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
      config.process.noNewPrivileges = false;
    },
  ],
];

for (const [what, mutate] of settings) {
  attack(
    `no descriptor of the host is open while the program of a container is looked up, ${what}`,
    async (t, rt) => {
      const other = await rt.started(['pause']);
      const { pid } = await other.state();
      const make = (args: string[]): { bundle: Bundle; files: string[] } => {
        const bundle = rt.bundle((config) => {
          mutate(config, `/proc/${pid}/ns/pid`);
          config.process.args = args;
        });
        if (bundle.config.linux.uidMappings !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
        return { bundle, files: addScript(bundle) };
      };
      await t.test('run', async (st) => {
        const { bundle, files } = make(['/bin/script']);
        const opened = await watchOpens(rt, files, async () => {
          const { status, stderr } = await rt.runBundle(bundle);
          st.equal(status, 99, stderr); // the interpreter's treatment of its arguments
        });
        checkOpens(st, opened);
      });
      await t.test('create and start', async (st) => {
        const { bundle, files } = make(['/bin/script']);
        const opened = await watchOpens(rt, files, async () => {
          const container = await rt.create(bundle);
          st.equal(container.outcome.status, 0, container.outcome.stderr);
          st.equal((await container.start()).status, 0);
          await until('it is stopped', async () => (await container.state()).status === 'stopped');
          st.equal((await container.remove()).status, 0);
        });
        checkOpens(st, opened);
      });
      await t.test('exec', async (st) => {
        const { bundle, files } = make(['/bin/probe', 'pause']);
        const container: Container = await rt.runDetached(bundle);
        const opened = await watchOpens(rt, files, async () => {
          st.equal((await rt.command('exec', container.id, '/bin/script')).status, 99);
        });
        checkOpens(st, opened);
        st.equal((await container.remove('--force')).status, 0);
      });
      await t.test('startContainer hook', async (st) => {
        const { bundle, files } = make(['/bin/probe', 'nothing']);
        bundle.config.hooks = { startContainer: [{ path: '/bin/script', args: ['script'] }] };
        bundle.save();
        const opened = await watchOpens(rt, files, async () => {
          const { stderr } = await rt.runBundle(bundle);
          st.match(stderr, /99/);
        });
        const executed = opened.filter(({ exec }) => exec);
        st.ok(executed.length >= 2);
        for (const { fds } of executed)
          st.strictSame(
            fds.map(([, link]) => link.replace(/:.*/, '')),
            ['pipe'],
          );
      });
      t.equal((await other.remove('--force')).status, 0);
    },
    { oursOnly: 'peers keep others' },
  );
}

/** Runs scripts that refer to a program of another container through each descriptor that might lead to the host. */
async function tryScripts(t: Test, rt: Sandbox, run: (script: string, fd: number) => Promise<string>): Promise<void> {
  const other = await rt.started(['pause']);
  const { pid } = await other.state();
  for (let fd = 3; fd < 12; fd++) {
    const stdout = await run(`#!/proc/self/fd/${fd}/${pid}/root/bin/echo stolen\n`, fd);
    t.notMatch(stdout, /stolen/, `descriptor ${fd}`);
  }
  t.equal((await other.remove('--force')).status, 0);
}

attack(
  'an image with a script whose interpreter is a descriptor path runs nothing of another container',
  async (t, rt) => {
    const pod = await rt.started(['pause']);
    const { pid } = await pod.state();
    await tryScripts(t, rt, async (script) => {
      const bundle = rt.bundle((config) => {
        changeNamespace(config, 'pid', `/proc/${pid}/ns/pid`);
        config.linux.sysctl = SYSCTL;
        config.process.args = ['/bin/script'];
      });
      writeFileSync(join(bundle.rootfs, 'bin/script'), script, { mode: 0o755 });
      const { status, stdout } = await rt.runBundle(bundle);
      t.not(status, 0);
      return stdout;
    });
    t.equal((await pod.remove('--force')).status, 0);
  },
);

const APPARMOR = '/sys/module/apparmor/parameters/enabled';
const hasApparmor = existsSync(APPARMOR) && readFileSync(APPARMOR, 'utf8').startsWith('Y');

attack(
  'exec: a script whose interpreter is a descriptor path runs nothing of another container, with a profile',
  async (t, rt) => {
    const container = await rt.started(['pause'], (config) => {
      config.process.apparmorProfile = 'unconfined';
    });
    await tryScripts(t, rt, async (script, fd) => {
      writeFileSync(join(container.bundle.rootfs, `bin/script-${fd}`), script, { mode: 0o755 });
      const { status, stdout } = await rt.command('exec', container.id, `/bin/script-${fd}`);
      t.not(status, 0);
      return stdout;
    });
    t.equal((await container.remove('--force')).status, 0);
  },
  { lacking: hasApparmor ? undefined : 'AppArmor is not enabled here' },
);
