import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { attempt } from '../diag/failure.ts';
import type { Native } from '../host/native.ts';
import { ContainerDirectory } from '../state/directory.ts';
import type { StateRoot } from '../state/root.ts';
import { listIds, readRecord } from '../state/store.ts';
import { stateReport } from './report.ts';
import type { StateReport } from './report.ts';
import { statusOf } from './status.ts';

/** The containers below the state root, and a warning for each that cannot be read. One that vanishes is omitted. */
export function listContainers(
  native: Native,
  { path, explicit }: StateRoot,
): { readonly reports: StateReport[]; readonly warnings: Diagnostic[] } {
  const ids = listIds(native, path);
  if (ids === undefined && explicit) {
    throw new Failure({ code: 'state.root', message: `cannot read directory "${path}": no such file or directory` });
  }
  const reports: StateReport[] = [];
  const owners = new Owners(native);
  const warnings = (ids ?? []).flatMap((id) =>
    attempt(() => reports.push(...reportOf(native, path, id, owners))).map((fault) => ({
      ...fault,
      message: `load container ${id}: ${fault.message}`,
    })),
  );
  return { reports, warnings };
}

function reportOf(native: Native, root: string, id: string, owners: Owners): StateReport[] {
  const directory = ContainerDirectory.open(native, root, id);
  if (directory === undefined) return [];
  try {
    const record = readRecord(directory);
    if (record === undefined) return [];
    return [stateReport(record, statusOf(native, directory, record), owners.of(directory.uid))];
  } finally {
    directory.close();
  }
}

/** Names of the users who own containers, each looked up once. */
class Owners {
  private readonly names = new Map<number, string>();
  private readonly native: Native;

  constructor(native: Native) {
    this.native = native;
  }

  of(uid: number): string {
    let name = this.names.get(uid);
    if (name === undefined) {
      name = userName(this.native, uid) ?? `#${uid}`;
      this.names.set(uid, name);
    }
    return name;
  }
}

/** From passwd(5) of the host; undefined if the user is not listed. */
function userName(native: Native, uid: number): string | undefined {
  const text = native.readText('/etc/passwd', 4 << 20);
  if (typeof text === 'number') return undefined;
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    if (fields[2] === String(uid)) return fields[0];
  }
  return undefined;
}
