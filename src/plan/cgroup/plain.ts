import type { LinuxResources } from '../../../schema/generated/config.ts';
import { maximum } from './common.ts';
import { isSet } from './limits.ts';
import type { LimitWriter } from './limits.ts';

type Section = 'memory' | 'cpu' | 'blockIO' | 'network';

type Numbers<Members> = {
  [Name in keyof Members & string]-?: NonNullable<Members[Name]> extends number | bigint ? Name : never;
}[keyof Members & string];

type Place = {
  [Name in Section]: { readonly section: Name; readonly field: Numbers<NonNullable<LinuxResources[Name]>> };
}[Section];

/** A field whose number is all that its file holds. A cgroup version without `file` has no such setting. */
type PlainField = Place & {
  readonly file: { readonly v1?: string; readonly v2?: string };
  /** systemd's property of that file of v2, in bytes. */
  readonly unit?: string;
};

const fields: readonly PlainField[] = [
  {
    section: 'memory',
    field: 'reservation',
    file: { v1: 'memory.soft_limit_in_bytes', v2: 'memory.low' },
    unit: 'MemoryLow',
  },
  { section: 'blockIO', field: 'leafWeight', file: { v1: 'blkio.leaf_weight' } },
  { section: 'network', field: 'classID', file: { v1: 'net_cls.classid' } },
];

function valueOf(resources: LinuxResources, { section, field }: PlainField): number | bigint | undefined {
  const members = resources[section] as Readonly<Partial<Record<string, number | bigint>>> | undefined;
  const value = members?.[field];
  return isSet(value) ? value : undefined;
}

/** Writes the fields of one section that are set, or refuses those that the cgroup version lacks. */
export function plainLimits(resources: LinuxResources, section: Section, writer: LimitWriter): void {
  for (const plain of fields) {
    const value = plain.section === section ? valueOf(resources, plain) : undefined;
    if (value === undefined) continue;
    const from = `/linux/resources/${section}/${plain.field}`;
    const file = plain.file[writer.version];
    if (file === undefined) writer.refuseField(from);
    else writer.write({ file, data: writer.version === 'v2' ? maximum(value) : String(value), from });
  }
}

/** The properties of systemd for those fields on v2, with their values in bytes. */
export function plainProperties(resources: LinuxResources): (readonly [name: string, value: number | bigint])[] {
  return fields.flatMap((plain) => {
    const value = plain.unit === undefined ? undefined : valueOf(resources, plain);
    return plain.unit === undefined || value === undefined ? [] : [[plain.unit, value] as const];
  });
}
