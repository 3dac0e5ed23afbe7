/** The programs in examples, as their users run them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CRIU_PATH, criuLacking } from '../harness/criu.ts';
import { lackingController } from '../harness/cgroup.ts';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';

const lacksCriu = criuLacking();

const PRINTED: Readonly<Record<string, string>> = {
  'ci-job': 'echo build: exit 0, took some time: build\necho test; exit 3: exit 3, took some time: test\n',
  'warm-pool': 'one, two, three\n',
  untrusted: 'good: exit, hello\nendless: timeout\ngreedy: memory\ntalkative: output\ncurious: denied\n',
  'log-stream': '> line 1\n> line 2\n> line 3\nexit\n',
  terminal: 'the shell has answered\n',
  exec: 'it is kept 0\nSIGKILL\n',
  events: 'it uses the processor\n',
  validate:
    '4:16 Cwd must be an absolute path, found "tmp"\n' +
    '3:31 the specification does not define root.readOnly: it has no effect (did you mean readonly?)\n',
  'pause-update': 'paused\nrunning 5\n',
  checkpoint: 'example-after running\n',
};

forEachRuntime(
  'each example prints what it promises',
  async (t, rt) => {
    if (rt.runtime.name !== 'node') {
      t.comment('the package is for Node');
      return;
    }
    const files = readdirSync(join(REPOSITORY, 'examples')).filter((file) => file.endsWith('.mjs'));
    t.strictSame(
      files.filter((file) => file !== 'shared.mjs').sort(),
      Object.keys(PRINTED)
        .map((name) => `${name}.mjs`)
        .sort(),
    );
    const { rootfs } = rt.bundle();
    const tried = Object.keys(PRINTED).filter((name) => name !== 'checkpoint' || lacksCriu === undefined);
    await Promise.all(
      tried.map(async (name) => {
        const env = { ...rt.env, PATH: CRIU_PATH, TMPDIR: rt.dir };
        const file = join(REPOSITORY, 'examples', `${name}.mjs`);
        const { status, stdout, stderr } = await run([process.execPath, file, rootfs], { env });
        t.strictSame({ status, stdout, stderr }, { status: 0, stdout: PRINTED[name], stderr: '' }, name);
      }),
    );
  },
  { oursOnly: 'the package of this project', lacking: lackingController('memory') ?? lackingController('pids') },
);
