import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';

/** A member that asks for what only another kind of runtime does, unless its value asks for nothing; and the cure. */
interface Refusal {
  readonly asks: (value: unknown) => boolean;
  readonly hint: string;
}

const section: Refusal = { asks: () => true, hint: 'leave the section out: rt runs containers of Linux' };

type Table = Readonly<Record<string, Refusal>>;

/** Members that the specification has for other platforms. Nothing of Linux is among them. */
const ofConfig: Table = { windows: section, solaris: section, vm: section, zos: section, freebsd: section };

const ofProcess: Table = {
  commandLine: { asks: (value) => value !== '', hint: 'it is for Windows; write the program and its words in args' },
};

/** What a valid config asks for and rt cannot do. Nothing of it is ever left out silently. */
export function unsupportedFaults(config: Config): Diagnostic[] {
  return [...faultsOf(config, ofConfig, ''), ...faultsOf(config.process ?? {}, ofProcess, '/process')];
}

function faultsOf(values: object, table: Table, pointer: string): Diagnostic[] {
  const faults: Diagnostic[] = [];
  for (const name in table) {
    const value = (values as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || table[name]?.asks(value) !== true) continue;
    const place = `${pointer}/${name}`;
    const message = `${place.slice(1).replaceAll('/', '.')} is not supported`;
    faults.push({ code: 'config.unsupported', pointer: place, message, hint: table[name].hint });
  }
  return faults;
}
