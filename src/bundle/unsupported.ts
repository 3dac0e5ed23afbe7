import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';

type Condition = (value: unknown) => boolean;

const always: Condition = () => true;
const whenText: Condition = (value) => value !== '';
const whenAny: Condition = (value) =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : true;

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
  linux: {
    uidMappings: whenAny,
    gidMappings: whenAny,
    timeOffsets: whenAny,
    mountLabel: whenText,
  },
};

const namespaces: readonly string[] = ['user', 'time'];

const mountOptions: readonly string[] = ['idmap', 'ridmap', 'tmpcopyup'];

const mountMembers: Section = { uidMappings: whenAny, gidMappings: whenAny };

/** What a valid config asks for and this version of rt cannot do. Nothing of it is ever left out silently. */
export function unsupportedFaults(config: Config): Diagnostic[] {
  const { process, linux, mounts } = config;
  const faults: Diagnostic[] = [];
  section(config, unsupported.config, '', faults);
  section(process, unsupported.process, '/process', faults);
  section(linux, unsupported.linux, '/linux', faults);
  linux?.namespaces?.forEach(({ type }, index) => {
    if (namespaces.includes(type)) faults.push(fault(`/linux/namespaces/${index}`, `a namespace of type ${type}`));
  });
  mounts?.forEach((mount, index) => {
    section(mount, mountMembers, `/mounts/${index}`, faults);
    mount.options?.forEach((option, at) => {
      const sign = option.indexOf('=');
      const name = sign < 0 ? option : option.slice(0, sign);
      if (mountOptions.includes(name)) faults.push(fault(`/mounts/${index}/options/${at}`, `the mount option ${name}`));
    });
  });
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
