import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupParent } from '../harness/cgroup.ts';
import { forEachEngine } from '../harness/engine.ts';
import { Podman } from '../harness/podman.ts';
import { until } from '../harness/wait.ts';

const lacking =
  existsSync('/usr/lib/systemd/systemd') && lstatSync('/bin').isSymbolicLink()
    ? undefined
    : 'no systemd in /usr, which the container has from the host';

const UNITS = {
  'tested.target': `
[Unit]
Requires=basic.target tested.service
After=basic.target tested.service
`,
  'tested.service': `
[Service]
ExecStart=/bin/sh -c 'cat /proc/self/cgroup >/tested; exec sleep 1000'
`,
};

/** A root filesystem with the programs of the host in /usr, and its own settings. */
function makeRoot(root: string): void {
  for (const name of ['usr', 'etc/systemd/system', 'var', 'run', 'tmp', 'proc', 'sys', 'dev', 'root'])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  for (const name of ['passwd', 'group']) copyFileSync(`/etc/${name}`, join(root, 'etc', name));
  writeFileSync(join(root, 'etc/machine-id'), '');
  for (const [name, text] of Object.entries(UNITS)) writeFileSync(join(root, 'etc/systemd/system', name), text);
}

forEachEngine(
  'podman: systemd runs in a container',
  (rt) => Podman.start(rt),
  async (t, podman, rt) => {
    const root = join(rt.dir, 'systemd-root');
    makeRoot(root);
    const options = ['--detach', '--name', 'one', '--network', 'none', ...cgroupParent(`${rt.prefix}podman`)];
    const systemd = ['/usr/lib/systemd/systemd', '--unit=tested.target'];
    const words = [...options, '--systemd=always', '--volume', '/usr:/usr:ro', '--rootfs', root, ...systemd];
    const started = await podman.command('run', ...words);
    if (!t.equal(started.status, 0, started.stderr)) return;
    const systemctl = async (...more: string[]): Promise<string> =>
      (await podman.command('exec', 'one', 'systemctl', ...more)).stdout.trim();
    await until('it is up', async () => (await systemctl('is-system-running')) === 'running', 60_000);
    t.equal(await systemctl('is-active', 'tested.service'), 'active');
    t.match(readFileSync(join(root, 'tested'), 'utf8'), /\/system\.slice\/tested\.service\n/);
    const pid = (await podman.command('exec', 'one', 'cat', '/proc/1/comm')).stdout;
    t.equal(pid, 'systemd\n');
    t.equal(await systemctl('stop', 'tested.service'), '');
    t.equal(await systemctl('is-active', 'tested.service'), 'inactive');
    const transient = await podman.command(
      'exec',
      'one',
      'systemd-run',
      '--pipe',
      '--wait',
      '--quiet',
      'echo',
      'hello',
    );
    t.equal(transient.stdout, 'hello\n', transient.stderr);
    // Podman sends SIGRTMIN+3, upon which systemd ends all services and itself.
    const stopped = await podman.command('stop', '--time', '30', 'one');
    t.equal(stopped.status, 0, stopped.stderr);
    const state = await podman.command('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'one');
    t.equal(state.stdout.trim(), 'exited 0');
    t.equal((await podman.command('rm', 'one')).status, 0);
  },
  { lacking },
);
