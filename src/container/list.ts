import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { HeldRoot } from '../state/held-root.ts';
import type { StateRoot } from '../state/root.ts';
import { SimilarRecords } from '../state/similar-records.ts';
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
  const warnings: Diagnostic[] = [];
  const owners = new Owners(native);
  const records = new SimilarRecords();
  HeldRoot.use(native, path, (root) => {
    for (const id of ids ?? []) {
      try {
        const report =
          (root === undefined ? undefined : quickReport(native, root, id, records, owners)) ??
          reportOf(native, path, id, records, owners);
        if (report !== undefined) reports.push(report);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const own = error.diagnostics.map((one) => ({ ...one, message: `load container ${id}: ${one.message}` }));
        warnings.push(...own);
      }
    }
  });
  return { reports, warnings };
}

/** Undefined if anything is unusual. */
function quickReport(
  native: Native,
  root: HeldRoot,
  id: string,
  records: SimilarRecords,
  owners: Owners,
): StateReport | undefined {
  const uid = root.ownerOf(id);
  const record = uid === undefined ? undefined : records.read(root, id);
  if (uid === undefined || record === undefined) return undefined;
  return stateReport(record, statusOf(native, { has: (file) => root.has(id, file) }, record), owners.of(uid));
}

function reportOf(
  native: Native,
  root: string,
  id: string,
  records: SimilarRecords,
  owners: Owners,
): StateReport | undefined {
  const directory = ContainerDirectory.open(native, root, id);
  if (directory === undefined) return undefined;
  try {
    const record = readRecord(directory);
    if (record === undefined) return undefined;
    records.learn(record);
    return stateReport(record, statusOf(native, directory, record), owners.of(directory.uid));
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
