import { readFileSync, readdirSync } from 'node:fs';
import { mutate, random } from '../../../schema/mutations.ts';
import { ANNOTATIONS } from '../../../src/bundle/annotations.ts';
import { loadBundle } from '../../../src/bundle/load.ts';
import type { RunnableConfig } from '../../../src/bundle/load.ts';
import { Failure } from '../../../src/diag/diagnostic.ts';
import type { Diagnostic } from '../../../src/diag/diagnostic.ts';
import { withLocations } from '../../../src/diag/failure.ts';
import { describeConfig } from '../../../src/explain/describe.ts';
import { examine } from '../../../src/explain/examine.ts';
import { explanationText } from '../../../src/explain/render.ts';
import type { Facts } from '../../../src/facts/facts.ts';
import type { Native } from '../../../src/host/native.ts';
import { encodeProgram } from '../../../src/launch/encode.ts';
import { planExec } from '../../../src/plan/exec.ts';
import { explain } from '../../../src/plan/explain.ts';
import { facts, hybrid, options, unified } from '../../../test/config.ts';
import { plan } from '../../../src/plan/index.ts';
import { violations } from '../../../src/plan/invariants.ts';
import { processOf } from '../../../src/plan/process.ts';
import type { PlannedOp } from '../../../src/plan/types.ts';
import { below, damage, pick, seedOf } from '../target.ts';
import type { Random, Target } from '../target.ts';

const file = 'config.json';
const texts = ['../../configs/', '../corpus/config/'].flatMap((folder) => {
  const url = new URL(folder, import.meta.url);
  return readdirSync(url)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(new URL(name, url), 'utf8'));
});
const small = texts.filter(({ length }) => length < 8000);
const hosts: readonly Facts[] = [
  facts(),
  facts(unified),
  { ...facts(unified), user: { uid: 1000, gid: 1000, initial: true } },
  { ...facts(), user: { uid: 0, gid: 0, initial: false }, mayMakeCgroup: () => false },
  { ...facts({ version: 1, hierarchies: hybrid.hierarchies.slice(1) }), hasApparmor: true, resctrl: '/sys/fs/resctrl' },
  { ...facts(unified), hasSelinux: true, idMapTools: { uid: '', gid: '' }, architecture: 'aarch64' },
];
const words = [
  '..',
  '../../x',
  '/',
  '//',
  '/proc/self/fd/7',
  '/a/../../b',
  'a b',
  'größe',
  '\0',
  '\ud800',
  '%s',
  '{',
  'a:b:c',
  '1',
  '-1',
  'x'.repeat(5000),
];

/** A config, for `validate`, `plan` and the plans of create and exec. */
export const config: Target = {
  name: 'config',
  unit: 'configs',
  rounds: 150,
  make: (next) => {
    // Mostly a small one: those of engines take long because of their size.
    let text = pick(next() < 0.9 ? small : texts, next);
    for (let times = 1 + below(3, next); times > 0; times--) text = mutate(text, next);
    if (next() < 0.3) text = withWord(text, next);
    return next() < 0.05 ? damage(text, next, 0x3000) : text;
  },
  check: (input) => {
    const next = random(seedOf(input));
    const host: Partial<Native> = { readText: () => input, stat: () => [0o100644, 0, 0, 0, 0, 0, 0] };
    const findings = failing(input, () => examine(input, file));
    if (findings !== undefined) for (const list of Object.values(findings)) look(input, list as readonly Diagnostic[]);
    const loaded = failing(input, () => loadBundle(host as Native, '/bundle'));
    const { faults, unsupported } = findings ?? { faults: [undefined], unsupported: [] };
    const refused = faults.length > 0 || unsupported.some(({ code }) => code === 'config.unsupported');
    if (refused !== (loaded === undefined)) throw new Error('validate and create do not agree');
    if (loaded === undefined) return 1;
    explanationText(describeConfig(loaded.config), { text: input, name: file });
    const isPlanned = compile(input, loaded.config, next);
    if (isPlanned && unsupported.length > 0) throw new Error('create does not refuse what validate says');
    return 1;
  },
};

/** Replaces one of its texts, or an annotation that rt uses. */
function withWord(text: string, next: Random): string {
  if (next() < 0.3) {
    const name = pick(Object.values(ANNOTATIONS), next);
    return text.replace('{', `{"annotations":{${JSON.stringify(name)}:${JSON.stringify(pick(words, next))}},`);
  }
  const strings = [...text.matchAll(/"(?:[^"\\]|\\.)*"(?!\s*:)/g)];
  if (strings.length === 0) return text;
  const { index, 0: old } = pick(strings, next);
  return text.slice(0, index) + JSON.stringify(pick(words, next)) + text.slice(index + old.length);
}

/** Whether the config has a plan. */
function compile(input: string, value: RunnableConfig, next: Random): boolean {
  const host = pick(hosts, next);
  const made = failing(input, () =>
    plan(value, host, {
      ...options,
      rootless: pick(['auto', 'true', 'false'], next),
      pivot: next() < 0.9,
      keyring: next() < 0.8 ? '_ses.c1' : undefined,
      cgroupManager: pick(['cgroupfs', 'systemd', 'disabled'], next),
      notify: next() < 0.2 ? '/run/rt/c1/notify' : undefined,
      awaitStart: pick(['socket', 'control'], next),
    }),
  );
  if (made !== undefined) {
    look(input, withLocations(new Failure(made.warnings), input, file).diagnostics);
    explain(made, 'text');
    JSON.parse(explain(made, 'json'));
    for (const ops of [made.host, made.awaited, made.limits, made.netDevices]) inspect(ops);
    inspect([...made.stage, ...made.init], made.stage.length);
    const broken = violations([...made.stage, ...made.init]);
    if (broken.length > 0) throw new Error(`the plan breaks an invariant: ${broken.join('; ')}`);
    failing(input, () => made.filter?.());
  }
  const entered = failing(input, () =>
    planExec(value, processOf(value), host, {
      id: 'c1',
      bundle: '/bundle',
      initPid: 42,
      origin: { user: { device: 4, inode: 5 } },
      keyring: next() < 0.5 ? '_ses.c1' : undefined,
      tasks: host.cgroups.version === 1 ? ['/sys/fs/cgroup/pids/c1/tasks'] : [],
    }),
  );
  if (entered !== undefined) inspect(entered.ops);
  return made !== undefined;
}

/** Values packed for the helper must be in range, since they would be truncated, and valid C strings. */
function inspect(ops: readonly PlannedOp[], staged = 0): void {
  for (const part of encodeProgram(ops, staged)) {
    if (typeof part === 'number' && !(Number.isInteger(part) && part >= -(2 ** 31) && part < 2 ** 32)) {
      throw new Error(`${part} does not fit a field: ${JSON.stringify(ops.map(({ op }) => op))}`);
    }
    if (typeof part === 'string' && /\0|\p{Surrogate}/u.test(part)) throw new Error('a text cannot be one of C');
  }
}

/** The result of the call; undefined if it fails with a Failure. */
function failing<T>(input: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { diagnostics } = withLocations(error, input, file);
    if (diagnostics.length === 0) throw new Error('a failure without a diagnostic', { cause: error });
    look(input, diagnostics);
    return undefined;
  }
}

/** If the whole text is at fault, there is no place to report. */
const placeless = ['config.depth', 'config.syntax'];

function look(input: string, diagnostics: readonly Diagnostic[]): void {
  for (const { code, message, pointer, location, hint = '' } of diagnostics) {
    // The one sentence that names the words of JSON.
    const told = `${message} ${hint}`.replace('true, false and null', '');
    const isPlaced = location !== undefined || pointer === '' || pointer?.startsWith('-') === true;
    if (!isPlaced && !placeless.includes(code)) throw new Error(`no place: ${code} ${pointer ?? ''}: ${message}`);
    for (const slip of ['undefined', 'NaN', '[object', 'function ', 'null']) {
      if (told.includes(slip) && !input.includes(slip)) throw new Error(`${slip} in: ${told}`);
    }
  }
}
