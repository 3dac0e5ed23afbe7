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
import { Users } from './users.ts';

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
  const users = new Users(native);
  const records = new SimilarRecords();
  HeldRoot.use(native, path, (root) => {
    for (const id of ids ?? []) {
      try {
        const report =
          (root === undefined ? undefined : quickReport(native, root, id, records, users)) ??
          reportOf(native, path, id, records, users);
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
  users: Users,
): StateReport | undefined {
  const uid = root.ownerOf(id);
  const record = uid === undefined ? undefined : records.read(root, id);
  if (uid === undefined || record === undefined) return undefined;
  return stateReport(record, statusOf(native, { has: (file) => root.has(id, file) }, record), ownerName(users, uid));
}

function reportOf(
  native: Native,
  root: string,
  id: string,
  records: SimilarRecords,
  users: Users,
): StateReport | undefined {
  const directory = ContainerDirectory.open(native, root, id);
  if (directory === undefined) return undefined;
  try {
    const record = readRecord(directory);
    if (record === undefined) return undefined;
    records.learn(record);
    return stateReport(record, statusOf(native, directory, record), ownerName(users, directory.uid));
  } finally {
    directory.close();
  }
}

function ownerName(users: Users, uid: number): string {
  return users.nameOf(uid) ?? `#${uid}`;
}
