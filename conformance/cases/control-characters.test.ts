/* Names from configs, images and records that would control a terminal: none reaches a terminal or a log. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { TestConfig } from '../harness/config.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

const oursOnly = 'peers print some of it as it is';
/** A terminal title, an 8-bit CSI, DEL, a carriage return, a line feed, and right-to-left text. */
const HOSTILE = '\u001b]0;x\u0007\u009b31m\u007f\r\nrt: \u202e\u2066\u2028\u2029end';
const ACTED_ON = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

function harmless(t: Test, { stdout, stderr }: Outcome, what: string): void {
  for (const [name, text] of Object.entries({ stdout, stderr })) {
    t.notOk(ACTED_ON.test(text), `${what}: ${name} ${JSON.stringify(ACTED_ON.exec(text)?.[0] ?? '')}`);
    t.notMatch(text, /^rt: *(?:\\u202e|end)/m, `${what}: no line of its own`);
  }
}

function annotate(config: TestConfig): void {
  config.annotations = { [`key ${HOSTILE}`]: `value ${HOSTILE}` };
}

forEachRuntime(
  'names and annotations of a bundle are escaped for a terminal, and unchanged in JSON',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      annotate(config);
      config.process.args = ['/bin/sh', '-c', 'read end', HOSTILE];
      config.process.env = [`A=${HOSTILE}`];
      config.mounts.push({ destination: `/tmp/${HOSTILE}`, type: 'tmpfs', source: HOSTILE });
      // Without effect, so that there is a warning.
      config.mounts.push({ destination: '/h', source: '/etc/hostname', options: ['bind', 'mode=0644'] });
    });
    const dir = join(rt.dir, `bundle ${HOSTILE}`);
    renameSync(bundle.dir, dir);
    const log = join(rt.dir, 'log');
    const id = rt.nextId();
    for (const words of [['validate'], ['explain'], ['plan'], ['plan', '--format', 'json']]) {
      const outcome = await rt.command(...words, '--bundle', dir);
      t.equal(outcome.status, 0, outcome.stderr);
      harmless(t, outcome, words.join(' '));
    }
    const running = rt.backgroundWith({ interactive: true }, '--log', log, '--debug', 'run', '--bundle', dir, id);
    try {
      const outcome = await until('it runs', async () => {
        const found = await rt.command('state', id);
        return found.stdout.includes('"running"') && found;
      });
      harmless(t, outcome, 'state');
      const { bundle: told, annotations } = JSON.parse(outcome.stdout) as { bundle: string; annotations: object };
      t.equal(told, dir);
      t.strictSame(annotations, { [`key ${HOSTILE}`]: `value ${HOSTILE}` });
      for (const words of [
        ['list'],
        ['list', '-f', 'json'],
        ['ps', id],
        ['ps', '-f', 'json', id],
        ['ps', id, '-ef', 'ww'],
      ]) {
        const shown = await rt.command(...words);
        t.equal(shown.status, 0, shown.stderr);
        harmless(t, shown, words.join(' '));
        if (words[0] === 'list') t.equal(shown.stdout.trimEnd().split('\n').length, words.length === 1 ? 2 : 1);
      }
      harmless(t, await rt.command('events', '--stats', id), 'events');
    } finally {
      running.child.stdin?.end();
      await running.ended;
    }
    harmless(t, { status: 0, stdout: readFileSync(log, 'utf8'), stderr: '' }, 'log');
  },
  { oursOnly },
);

const failing: [string, (config: TestConfig) => void][] = [
  ['the program', (config) => (config.process.args = [`/bin/${HOSTILE}`])],
  ['a mount', (config) => config.mounts.push({ destination: `/${HOSTILE}`, type: HOSTILE, source: HOSTILE })],
  ['a source', (config) => config.mounts.push({ destination: '/mnt', type: 'bind', source: `/${HOSTILE}` })],
  [
    'an option',
    (config) => config.mounts.push({ destination: '/mnt', type: 'tmpfs', source: 't', options: [HOSTILE] }),
  ],
  ['a capability', (config) => (config.process.capabilities = { bounding: [HOSTILE] })],
  ['an unknown key', (config) => Object.assign(config, { [HOSTILE]: 1, ociVersion: HOSTILE })],
  ['a limit', (config) => (config.process.rlimits = [{ type: HOSTILE, soft: 1, hard: 1 }])],
  ['the root', (config) => (config.root.path = HOSTILE)],
  ['a sysctl', (config) => (config.linux.sysctl = { [`net.${HOSTILE}`]: HOSTILE })],
  ['the label', (config) => (config.process.apparmorProfile = HOSTILE)],
  ['a namespace', (config) => config.linux.namespaces.push({ type: 'time', path: `/${HOSTILE}` })],
  ['an annotation', (config) => (config.annotations = { 'run.oci.keep_original_groups': HOSTILE })],
  [
    'a hook',
    (config) => {
      const script = 'printf "%s" "$0"; printf "%s" "$0" >&2; exit 3';
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: [HOSTILE, '-c', script, HOSTILE] }] };
    },
  ],
];

forEachRuntime(
  'names in an error are escaped, on the terminal and in the log',
  async (t, rt) => {
    const log = join(rt.dir, 'log');
    for (const [index, [name, mutate]] of failing.entries()) {
      const { dir } = rt.bundle(mutate);
      const words = ['--log', log, '--log-format', index % 2 === 0 ? 'text' : 'json', '--debug'];
      const outcome = await rt.command(...words, 'run', '--bundle', dir, rt.nextId());
      // An unknown capability is only a warning, but one with its name.
      if (name !== 'a capability') t.not(outcome.status, 0, name);
      harmless(t, outcome, `${name}, run`);
      harmless(t, await rt.command('validate', '--bundle', dir), `${name}, validate`);
    }
    harmless(t, { status: 0, stdout: readFileSync(log, 'utf8'), stderr: '' }, 'log');
  },
  { oursOnly },
);

forEachRuntime(
  'so are those of the command line',
  async (t, rt) => {
    const { dir } = rt.bundle((config) => (config.process.args = [`/bin/${HOSTILE}`]));
    for (const words of [
      ['--log-format', 'json', 'run', '--bundle', dir, rt.nextId()],
      ['state', HOSTILE],
      [HOSTILE],
      ['run', `--${HOSTILE}`],
      ['kill', 'none', HOSTILE],
      ['--root', `/tmp/${HOSTILE}`, 'list'],
      ['--log', `/none/${HOSTILE}`, 'list'],
      ['run', '--bundle', `/none/${HOSTILE}`, 'none'],
    ]) {
      harmless(t, await rt.command(...words), encodeURIComponent(words.join(' ')));
    }
  },
  { oursOnly },
);

forEachRuntime(
  'names in the state root are escaped too, and only possible containers are read',
  async (t, rt) => {
    for (const name of [HOSTILE.replaceAll('/', ''), 'a\nb', 'damaged']) {
      mkdirSync(join(rt.root, name), { recursive: true, mode: 0o700 });
      writeFileSync(join(rt.root, name, 'state.json'), HOSTILE);
    }
    for (const words of [
      ['list'],
      ['list', '-q'],
      ['list', '-f', 'json'],
      ['state', 'damaged'],
      ['__complete', 'state', ''],
    ]) {
      harmless(t, await rt.command(...words), words.join(' '));
    }
    t.equal((await rt.command('list', '-q')).stderr.split('\n').filter((line) => line.startsWith('rt: ')).length, 1);
    t.notMatch((await rt.command('__complete', 'state', '')).stdout, /^[ab]$/m);
    rmSync(rt.root, { recursive: true });
  },
  { oursOnly },
);
