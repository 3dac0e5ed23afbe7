import { complete } from '../../../src/cli/complete.ts';
import { main } from '../../../src/cli/main.ts';
import { commands, globalOptions } from '../../../src/options/options.ts';
import type { OptionSpec } from '../../../src/options/options.ts';
import { checkOperands, parseCommand, parseGlobals } from '../../../src/cli/parse.ts';
import { Failure } from '../../../src/diag/diagnostic.ts';
import { cgroupAt } from '../../../test/config.ts';
import { FakeHost } from '../../../test/fake-host.ts';
import { record } from '../../../test/record.ts';
import { below, damage, pick, seedOf } from '../target.ts';
import type { Random, Target } from '../target.ts';

const values = [
  '',
  '0',
  '-1',
  '0x10',
  '08',
  '1e3',
  '99999999999999999999',
  'true',
  'T',
  'json',
  'c1',
  '-',
  '--',
  '=',
  '/x',
  'a=b',
  '__proto__',
  'größe',
  '1000:1000',
  'KILL',
  '5s',
  '1h2m',
  '\n',
];
const names = [...Object.keys(commands), 'help', 'h', '__complete', 'nothing', '__proto__', 'constructor'];

/** A command line, up to the begin of the command's work. */
export const commandLine: Target = {
  name: 'arguments',
  unit: 'command lines',
  rounds: 2000,
  make: (next) => {
    const name = pick(names, next);
    const specs: readonly OptionSpec[] = Object.hasOwn(commands, name)
      ? commands[name as keyof typeof commands].options
      : [];
    const list = [...some(globalOptions, next, 0.3), name, ...some(specs, next, 0.7)];
    const text = list.map((word) => word.replaceAll('\0', '')).join('\0');
    return next() < 0.8 ? text : damage(text, next, 0x80);
  },
  check: (input) => {
    const list = input.split('\0');
    try {
      const { rest } = parseGlobals(list, globalOptions);
      const [name = '', ...others] = rest;
      if (Object.hasOwn(commands, name)) {
        const command = name as keyof typeof commands;
        const { operands } = parseCommand(others, command, commands[command]);
        checkOperands(operands, command);
      } else {
        // Help, unknown commands and completion change nothing.
        const host = new FakeHost();
        Object.assign(host.native, { traceDescriptor: () => -1, traceRecords: () => new ArrayBuffer(0) });
        expectNoDefect(host, list);
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    complete(list, () => ['c1', 'c2']);
    return 1;
  },
};

function some(specs: readonly OptionSpec[], next: Random, share: number): string[] {
  return Array.from({ length: next() < share ? 1 + below(5, next) : 0 }, (): string[] => {
    if (specs.length === 0 || next() < 0.3) return [pick(values, next)];
    const { name, short, alias } = pick(specs, next);
    const option = `${pick(['-', '--'], next)}${pick([name, short ?? name, alias ?? name], next)}`;
    return next() < 0.4 ? [option] : next() < 0.5 ? [option, pick(values, next)] : [`${option}=${pick(values, next)}`];
  }).flat();
}

const saved = {
  ...record,
  annotations: { a: 'b' },
  cgroup: { manager: 'cgroupfs', version: 2, hierarchies: [cgroupAt('/sys/fs/cgroup/c1')] },
  resctrl: { groups: [], made: [] },
  origin: { user: { device: 4, inode: 5 } },
  hooks: { poststop: [{ path: '/bin/true', args: ['true'], timeout: 1 }] },
  startHooks: { firstOp: 3, hooks: [] },
};
const readers = [
  ['state', 'c1'],
  ['list'],
  ['list', '--format=json'],
  ['list', '--quiet'],
  ['kill', 'c1', 'KILL'],
  ['kill', 'c1', '0'],
];

/** The record of a container, for the commands that only read it. */
export const state: Target = {
  name: 'state',
  unit: 'records',
  rounds: 300,
  make: (next) => {
    const value: Record<string, unknown> = structuredClone(saved);
    for (let changes = 1 + below(3, next); changes > 0; changes--) change(value, next);
    const text = JSON.stringify(value);
    return next() < 0.8 ? text : damage(text, next);
  },
  check: (input) => {
    const host = new FakeHost();
    host.directories.set('/run/rt', 0o700);
    host.directories.set('/run/rt/c1', 0o700);
    host.files.set('/run/rt/c1/state.json', input);
    if (seedOf(input) % 2 === 0) host.processes.set(40, { state: 'S', startTime: 500, exe: '/bin/sh' });
    for (const line of readers) expectNoDefect(host, line);
    return 1;
  },
};

function change(holder: Record<string, unknown>, next: Random): void {
  const key = pick(Object.keys(holder), next);
  const value = holder[key];
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0 && next() < 0.6) {
    change(value as Record<string, unknown>, next);
  } else if (next() < 0.2) {
    delete holder[key];
  } else {
    holder[key] = structuredClone(
      pick<unknown>(
        [
          null,
          true,
          0,
          -1,
          1.5,
          1e300,
          2 ** 53,
          '',
          'x',
          '/x',
          'c1',
          '\ud800',
          [],
          {},
          [null],
          ['/x'],
          { a: 1 },
          [[]],
          'x'.repeat(300),
        ],
        next,
      ),
    );
  }
}

function expectNoDefect(host: FakeHost, line: readonly string[]): void {
  const code = main(line, host.native);
  if (/internal error/.test(host.stderr)) throw new Error(host.stderr);
  if (!(Number.isInteger(code) && code >= 0 && code < 256)) throw new Error(`exit code ${code}`);
}
