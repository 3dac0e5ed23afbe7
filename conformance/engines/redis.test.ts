import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Docker } from '../harness/docker.ts';
import { forEachEngine } from '../harness/engine.ts';
import { run } from '../harness/process.ts';
import { until } from '../harness/wait.ts';

/** The server of Debian's redis is this program under another name. */
const SERVER = '/usr/bin/redis-check-rdb';
const CLIENT = '/usr/bin/redis-cli';
const lacking = existsSync(SERVER) ? undefined : 'the package redis-tools is missing';

/** Copies programs of the host with their libraries to the same paths below a directory. */
function copyPrograms(programs: readonly string[], root: string): void {
  const linked = programs.flatMap((program) => execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g));
  for (const path of new Set([...programs, ...linked])) {
    if (path === null) continue;
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
}

const DOCKERFILE = `
FROM scratch
COPY root /
WORKDIR /data
USER 1000:1000
CMD ["/usr/bin/redis-server", "--port", "7379", "--save", "", "--appendonly", "yes"]
`;

forEachEngine(
  'docker: redis answers through exec, and keeps its data in a volume',
  (rt) => Docker.start(rt),
  async (t, docker, rt) => {
    const at = (name: string): string => join(rt.dir, name);
    const root = at('context/root');
    mkdirSync(join(root, 'data'), { recursive: true });
    copyPrograms([SERVER, CLIENT], root);
    symlinkSync('redis-check-rdb', join(root, 'usr/bin/redis-server'));
    writeFileSync(at('context/Dockerfile'), DOCKERFILE);
    execFileSync('chown', ['1000:1000', join(root, 'data')]);
    const built = await docker.command('build', '-t', 'redis', at('context'));
    t.equal(built.status, 0, built.stderr + built.stdout);
    mkdirSync(at('volume'));
    execFileSync('chown', ['1000:1000', at('volume')]);
    const options = ['--read-only', '--cap-drop', 'ALL', '-m', '64m', '-v', `${at('volume')}:/data`];
    const serve = async (): Promise<void> => {
      const words = ['--detach', '--name', 'redis', '--network', 'none', ...options, 'redis'];
      const started = await docker.command('run', ...words);
      t.equal(started.status, 0, started.stderr);
    };
    const ask = async (...words: string[]): Promise<string> =>
      (await docker.command('exec', 'redis', CLIENT, '-p', '7379', ...words)).stdout.trim();
    await serve();
    await until('it answers', async () => (await ask('PING')) === 'PONG', 30_000);
    t.equal(await ask('SET', 'key', 'value'), 'OK');
    const file = await run(['cat', at('volume/appendonlydir/appendonly.aof.1.incr.aof')]);
    t.match(file.stdout, 'value', file.stderr);
    const info = await ask('INFO', 'server');
    t.match(info, /process_id:1\r?\n/);
    t.equal((await docker.command('stop', '--time', '20', 'redis')).status, 0);
    const exit = await docker.command('inspect', '--format', '{{.State.ExitCode}}', 'redis');
    t.equal(exit.stdout, '0\n', 'SIGTERM made it save and end');
    t.equal((await docker.command('rm', 'redis')).status, 0);
    await serve();
    await until('it has what it had', async () => (await ask('GET', 'key')) === 'value', 30_000);
    t.equal((await docker.command('rm', '--force', 'redis')).status, 0);
  },
  { lacking },
);
