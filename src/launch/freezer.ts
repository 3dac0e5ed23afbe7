import { Failure } from '../diag/diagnostic.ts';
import { expectResult, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_RDONLY, O_WRONLY } from '../kernel/open-flags.ts';
import { POLLPRI } from '../kernel/sockets.ts';
import type { CgroupRecord } from '../plan/types.ts';
import { freezerDirectory, wait } from './cgroup.ts';
import { milliseconds, waitList } from './wait.ts';

const maximumFile = 1 << 16;
/** As in runc; a process that waits for a disk may take long to stand still. */
const freezeTimeoutMs = 10_000;
const stepMs = 2;
/** Tries after which a v1 cgroup that does not come to rest is thawed and frozen anew. */
const triesBeforeThaw = 25;

/** Freezes the container and waits until all its processes stand still; on failure it is thawed again. */
export function freeze(native: Native, cgroup: CgroupRecord): void {
  const directory = directoryOf(cgroup);
  let frozen = false;
  try {
    frozen = cgroup.version === 2 ? freezeUnified(native, directory) : freezeLegacy(native, directory);
  } finally {
    if (!frozen) thaw(native, cgroup);
  }
  if (frozen) return;
  throw new Failure({
    code: 'pause.timeout',
    message: 'unable to freeze: processes of the container did not stand still in time',
    hint: 'one of them may be waiting for a disk or for a filesystem that does not respond',
  });
}

export function thaw(native: Native, cgroup: CgroupRecord): void {
  const directory = directoryOf(cgroup);
  if (cgroup.version === 2) write(native, `${directory}/cgroup.freeze`, '0');
  else write(native, `${directory}/freezer.state`, 'THAWED');
}

function directoryOf(cgroup: CgroupRecord): string {
  const directory = cgroup.version === 2 ? cgroup.directories[0] : freezerDirectory(cgroup);
  if (directory !== undefined) return directory;
  throw new Failure({
    code: 'pause.freezer',
    message: 'unable to freeze: this host has no mounted cgroup hierarchy with the controller "freezer"',
    hint: 'mount it: mount -t cgroup -o freezer none /sys/fs/cgroup/freezer',
  });
}

/** cgroup.events tells by POLLPRI when the last process stands still (kernel: cgroup-v2.rst, "Core Interface Files"). */
function freezeUnified(native: Native, directory: string): boolean {
  const deadline = milliseconds(native) + freezeTimeoutMs;
  const path = `${directory}/cgroup.events`;
  const events = native.open(path, O_RDONLY, 0);
  if (events < 0) throw systemFailure('pause.write', `cannot read "${path}"`, 'open', events);
  try {
    write(native, `${directory}/cgroup.freeze`, '1');
    for (;;) {
      const text = native.readFd(events, maximumFile);
      if (typeof text === 'number') throw systemFailure('pause.write', `cannot read "${path}"`, 'read', text);
      if (/^frozen 1$/m.test(text)) return true;
      const left = deadline - milliseconds(native);
      if (left <= 0) return false;
      native.poll(waitList([[events, POLLPRI]]), Math.ceil(left));
    }
  } finally {
    native.close(events);
  }
}

/** v1 has no notification, and may stay FREEZING for ever unless it is told again (freezer-subsystem.rst). */
function freezeLegacy(native: Native, directory: string): boolean {
  const deadline = milliseconds(native) + freezeTimeoutMs;
  const path = `${directory}/freezer.state`;
  for (let attempt = 1; milliseconds(native) < deadline; attempt++) {
    write(native, path, 'FROZEN');
    const text = expectResult(native.readText(path, maximumFile), 'pause.write', `cannot read "${path}"`, 'read');
    if (text.startsWith('FROZEN')) return true;
    if (attempt % triesBeforeThaw === 0) write(native, path, 'THAWED');
    wait(native, stepMs);
  }
  return false;
}

function write(native: Native, path: string, text: string): void {
  const result = native.writeText(path, text, O_WRONLY, 0);
  if (result < 0) throw systemFailure('pause.write', `cannot write "${text}" to "${path}"`, 'write', result);
}
