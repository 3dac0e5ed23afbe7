import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';

type Condition = (value: unknown) => boolean;

const always: Condition = () => true;
const whenText: Condition = (value) => value !== '';

type Section = Readonly<Record<string, Condition>>;

/**
 * Members that the specification knows and this version of rt does not: where they stand, and the values
 * that ask for something. Whoever implements one deletes its row.
 */
const unsupported: Readonly<Record<'config' | 'process' | 'linux', Section>> = {
  config: { windows: always, solaris: always, vm: always, zos: always, freebsd: always },
  process: {
    commandLine: whenText,
  },
  linux: {},
};

/** What a valid config asks for and this version of rt cannot do. Nothing of it is ever left out silently. */
export function unsupportedFaults(config: Config): Diagnostic[] {
  const { process, linux } = config;
  const faults: Diagnostic[] = [];
  section(config, unsupported.config, '', faults);
  section(process, unsupported.process, '/process', faults);
  section(linux, unsupported.linux, '/linux', faults);
  return faults;
}

function section(values: object | undefined, table: Section, pointer: string, faults: Diagnostic[]): void {
  if (values === undefined) return;
  for (const name in table) {
    const value = (values as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || table[name]?.(value) !== true) continue;
    const place = `${pointer}/${name}`;
    faults.push(fault(place, place.slice(1).replaceAll('/', '.')));
  }
}

function fault(pointer: string, subject: string): Diagnostic {
  return { code: 'config.unsupported', pointer, message: `${subject} is not supported by this version of rt` };
}
