import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';

type Condition = (value: unknown) => boolean;

const always: Condition = () => true;
const whenText: Condition = (value) => value !== '';
const whenAny: Condition = (value) =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : true;
/** Engines send whole sections of zeros and empty lists, which ask for nothing. */
const whenSaysSomething: Condition = (value) =>
  typeof value === 'object' && value !== null ? Object.values(value).some(whenSaysSomething) : Boolean(value);
const whenNotZero: Condition = (value) => value !== 0;

type Section = Readonly<Record<string, Condition>>;

/**
 * Members that the specification knows and this version of rt does not: where they stand, and the values
 * that ask for something. Whoever implements one deletes its row.
 */
const unsupported: Readonly<Record<'config' | 'process' | 'linux' | 'resources' | 'memory' | 'cpu', Section>> = {
  config: { windows: always, solaris: always, vm: always, zos: always, freebsd: always },
  process: {
    commandLine: whenText,
  },
  linux: {},
  resources: {
    blockIO: whenSaysSomething,
    hugepageLimits: whenAny,
    network: whenAny,
    rdma: whenAny,
    unified: whenAny,
  },
  memory: { kernel: whenNotZero, kernelTCP: whenNotZero },
  cpu: { realtimeRuntime: whenNotZero, realtimePeriod: whenNotZero },
};

/** What a valid config asks for and this version of rt cannot do. Nothing of it is ever left out silently. */
export function unsupportedFaults(config: Config): Diagnostic[] {
  const { process, linux } = config;
  const resources = linux?.resources;
  const faults: Diagnostic[] = [];
  section(config, unsupported.config, '', faults);
  section(process, unsupported.process, '/process', faults);
  section(linux, unsupported.linux, '/linux', faults);
  section(resources, unsupported.resources, '/linux/resources', faults);
  section(resources?.memory, unsupported.memory, '/linux/resources/memory', faults);
  section(resources?.cpu, unsupported.cpu, '/linux/resources/cpu', faults);
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
