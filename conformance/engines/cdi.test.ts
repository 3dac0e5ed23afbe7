import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CDI_DEVICE, CDI_SHOWN, makeCdiDevice } from '../harness/cdi.ts';
import { forEachEngine } from '../harness/engine.ts';
import { Podman } from '../harness/podman.ts';
import { run } from '../harness/process.ts';
import { runtimeFile } from '../harness/runtime-file.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

const [script, output] = CDI_SHOWN;

forEachEngine(
  'podman: a device of the Container Device Interface',
  (rt) => Podman.start(rt),
  async (t, podman, rt) => {
    const device = makeCdiDevice(rt);
    try {
      const outcome = await podman.command(
        ...['run', '--rm', '--network', 'none', '--device', CDI_DEVICE, 'tiny', '/bin/sh', '-c', script],
      );
      t.strictSame(outcome, { status: 0, stdout: output, stderr: '' });
    } finally {
      device.remove();
    }
  },
);

const nvidia = join(REPOSITORY, 'build/engines/bin/nvidia-container-runtime');

forEachRuntime(
  "NVIDIA's container runtime adds a device, and calls the runtime",
  async (t, rt) => {
    const device = makeCdiDevice(rt);
    try {
      const directory = join(rt.dir, 'nvidia-container-runtime');
      mkdirSync(directory);
      writeFileSync(
        join(directory, 'config.toml'),
        `[nvidia-container-runtime]
mode = "cdi"
runtimes = ["${runtimeFile(rt, undefined)}"]
[nvidia-container-runtime.modes.cdi]
spec-dirs = ["${device.directory}"]
annotation-prefixes = ["cdi.k8s.io/"]
`,
      );
      const bundle = rt.bundle((config) => {
        config.process.args = ['/bin/sh', '-c', script];
        config.annotations = { 'cdi.k8s.io/test': CDI_DEVICE };
      });
      const id = rt.nextId();
      const path = join(rt.dir, 'output');
      const file = openSync(path, 'w');
      const env = { ...rt.env, XDG_CONFIG_HOME: rt.dir };
      const words = ['--root', rt.root, 'create', '--bundle', bundle.dir, id];
      const { status } = await run([nvidia, ...words], { env, stdout: file, stderr: file });
      closeSync(file);
      t.equal(status, 0, readFileSync(path, 'utf8'));
      await rt.command('start', id);
      await until('it has ended', async () => /"stopped"/.test((await rt.command('state', id)).stdout));
      t.equal(readFileSync(path, 'utf8'), output);
      t.equal((await rt.command('delete', id)).status, 0);
    } finally {
      device.remove();
    }
  },
  { lacking: existsSync(nvidia) ? undefined : 'make test-engines NVIDIA=1 builds it' },
);
