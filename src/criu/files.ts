import { Failure } from '../diag/diagnostic.ts';
import { expectDone, expectIfPresent, expectResult, isAbsent } from '../diag/system.ts';
import { printable } from '../diag/printable.ts';
import type { Native } from '../host/native.ts';
import { O_PATH } from '../kernel/open-flags.ts';
import { SIGKILL } from '../kernel/signals.ts';
import { mountsOf } from './mountinfo.ts';

const largestFile = 1 << 16;
/** As many as there are pids. */
const largestList = 1 << 26;
/** Memory that processes share has names, too. */
const memory = /^\/(?:memfd:|SYSV|dev\/zero \(deleted\)|\[aio\])/;

/**
 * Throws if a restored process has a file of the host open, has it in its memory, or stands in a directory of the host: names in
 * the images may have led criu there. Only the standard streams of the caller are files of the host. `init`: all others are its
 * descendants, and none has resumed; criu has closed its own files.
 */
export function requireOwnFiles(native: Native, init: number): void {
  const streams = new Set([0, 1, 2].map((fd) => identityOf(native, `/proc/self/fd/${fd}`)));
  streams.delete(undefined);
  const processes = processesFrom(native, init);
  for (const pid of processes) {
    // A zombie has no files, and no mounts.
    const files = filesOf(native, pid).flatMap((path) => {
      const link = expectIfPresent(native.readLink(path), 'restore.file', `cannot look at "${path}"`, 'readlink');
      return link?.startsWith('/') === true && !memory.test(link) ? [{ path, link }] : [];
    });
    const own = new Set(files.length === 0 ? [] : mountsOf(native, pid).map(({ id }) => id));
    for (const { path, link } of files) {
      const mount = mountIdOf(native, path);
      if (mount === undefined || own.has(mount) || streams.has(identityOf(native, path))) continue;
      // criu resumes them, whatever it is answered now.
      for (const one of processes) native.signalProcess(one, SIGKILL);
      const message = `criu has restored a file that is not one of the container: "${printable(link)}"`;
      throw new Failure({ code: 'restore.file', message });
    }
  }
}

function processesFrom(native: Native, pid: number): number[] {
  const children = namesIn(native, `/proc/${pid}/task`).flatMap((task) => {
    const path = `/proc/${pid}/task/${task}/children`;
    const text = expectIfPresent(native.readText(path, largestList), 'restore.file', `cannot read "${path}"`, 'read');
    return (text ?? '').split(' ').filter(Boolean).map(Number);
  });
  return [pid, ...children.flatMap((child) => processesFrom(native, child))];
}

function filesOf(native: Native, pid: number): string[] {
  const all = (directory: string): string[] =>
    namesIn(native, `/proc/${pid}/${directory}`).map((name) => `/proc/${pid}/${directory}/${name}`);
  return [...['cwd', 'root', 'exe'].map((name) => `/proc/${pid}/${name}`), ...all('fd'), ...all('map_files')];
}

/** None of a zombie. */
function namesIn(native: Native, directory: string): string[] {
  const action = `cannot read directory "${directory}"`;
  const names = expectIfPresent(native.readDirectory(directory), 'restore.file', action, 'getdents64');
  return (names ?? '').split('\0').filter(Boolean);
}

/** Undefined if it is gone. */
function mountIdOf(native: Native, path: string): string | undefined {
  const fd = native.open(path, O_PATH, 0);
  if (isAbsent(fd)) return undefined;
  const action = `cannot look at "${path}"`;
  expectDone(fd, 'restore.file', action, 'open');
  const text = native.readText(`/proc/self/fdinfo/${fd}`, largestFile);
  native.close(fd);
  return /^mnt_id:\s*(\d+)$/m.exec(expectResult(text, 'restore.file', action, 'read'))?.[1];
}

function identityOf(native: Native, path: string): string | undefined {
  const status = native.stat(path, 1);
  return typeof status === 'number' ? undefined : `${String(status[4])}:${String(status[3])}`;
}
