import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';

/** A setting that only another kind of runtime supports, unless its value has no effect; and the remedy. */
interface Refusal {
  readonly applies: (value: unknown) => boolean;
  readonly hint: string;
}

const section: Refusal = { applies: () => true, hint: 'remove the section: rt runs Linux containers' };

type Table = Readonly<Record<string, Refusal>>;

/** Members that the specification defines for other platforms. None is for Linux. */
const ofConfig: Table = { windows: section, solaris: section, vm: section, zos: section, freebsd: section };

const ofProcess: Table = {
  commandLine: {
    applies: (value) => value !== '',
    hint: 'it is for Windows; put the program and its arguments into args',
  },
};

const inSection: Refusal = { applies: () => true, hint: 'write the rules into linux.seccomp' };

/** Annotations of crun(1) that filter the process: without them it would run with fewer restrictions than asked for. */
const ofAnnotations: Table = { 'run.oci.seccomp_bpf_data': inSection, 'run.oci.seccomp.plugins': inSection };

/** Valid settings that rt does not support. Each is reported, none is ignored. */
export function unsupportedFaults(config: Config): Diagnostic[] {
  return [
    ...faultsOf(config, ofConfig, ''),
    ...faultsOf(config.process ?? {}, ofProcess, '/process'),
    ...faultsOf(config.annotations ?? {}, ofAnnotations, '/annotations'),
  ];
}

function faultsOf(values: object, table: Table, pointer: string): Diagnostic[] {
  const faults: Diagnostic[] = [];
  for (const name in table) {
    const value = (values as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || table[name]?.applies(value) !== true) continue;
    const place = `${pointer}/${name}`;
    const message = `${place.slice(1).replaceAll('/', '.')} is not supported`;
    faults.push({ code: 'config.unsupported', pointer: place, message, hint: table[name].hint });
  }
  return faults;
}
