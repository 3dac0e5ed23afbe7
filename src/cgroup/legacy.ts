import { Failure } from '../diag/diagnostic.ts';
import { expectDone, expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EAGAIN } from '../kernel/errno.ts';
import { O_WRONLY } from '../kernel/open-flags.ts';
import { SIGKILL } from '../kernel/signals.ts';
import { POLLIN } from '../kernel/sockets.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import { cgroupWith } from '../plan/cgroup/record.ts';
import { StatFiles } from './stats/files.ts';
import { legacyStats } from './stats/v1.ts';
import type { CgroupDriver, MemoryWatch } from './driver.ts';
import {
  cgroupProcesses,
  countKills,
  isGone,
  openWatched,
  readFlag,
  readCount,
  signalProcesses,
  watchAction,
  writeFreezer,
} from './files.ts';
import { milliseconds, wait } from '../host/poll.ts';

const maximumFile = 1 << 16;
const counterSize = 8;
const stepMs = 2;
/** Number of attempts after which a cgroup that does not freeze is thawed and frozen anew. */
const triesBeforeThaw = 25;
/** Maximum number of passes that look for processes created since the last one. */
const longestChase = 1000;
/** The largest that one charge is, in bytes. */
const hugePage = 2n << 20n;

/** cgroup v1, whose controllers have separate hierarchies (kernel: Documentation/admin-guide/cgroup-v1). */
export const legacyDriver: CgroupDriver = {
  freezer: ({ hierarchies }) => cgroupWith(hierarchies, 'freezer')?.directory,
  memory: ({ hierarchies }) => cgroupWith(hierarchies, 'memory')?.directory,
  isFrozen: (native, directory) => readFlag(native, `${directory}/freezer.self_freezing`)?.startsWith('1') === true,
  isFrozenAbove: (native, directory) =>
    readFlag(native, `${directory}/freezer.parent_freezing`)?.startsWith('1') === true,
  freeze,
  thaw: ['freezer.state', 'THAWED'],
  kill(native, cgroup) {
    killOneByOne(native, cgroup);
    thawForKill(native, cgroup);
  },
  thawForKill,
  outOfMemoryKills: (native, directory) => countKills(native, `${directory}/memory.oom_control`),
  // The kernel does not count the failures of all limits, but a charge that fails is a huge page at most.
  hasReachedLimit: (native, directory) =>
    ['memory', 'memory.memsw'].some((name) => {
      const most = readCount(native, `${directory}/${name}.max_usage_in_bytes`);
      return most > 0n && most + hugePage >= readCount(native, `${directory}/${name}.limit_in_bytes`);
    }),
  memoryFiles: { limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
  watchMemory,
  memoryUsage: (native, directory) => ({
    memory: readCount(native, `${directory}/memory.usage_in_bytes`),
    withSwap: readCount(native, `${directory}/memory.memsw.usage_in_bytes`),
  }),
  current: () => ({}),
  stats: (native, { hierarchies }) =>
    legacyStats(new StatFiles(native, (controller) => cgroupWith(hierarchies, controller)?.directory)),
};

/** No event signals completion, and the state may stay FREEZING until it is written again (freezer-subsystem.rst). */
function freeze(native: Native, directory: string, deadline: number): boolean {
  const path = `${directory}/freezer.state`;
  for (let attempt = 1; milliseconds(native) < deadline; attempt++) {
    writeFreezer(native, path, 'FROZEN');
    const text = expectResult(native.readText(path, maximumFile), 'pause.write', `cannot read "${path}"`, 'read');
    if (text.startsWith('FROZEN')) return true;
    if (attempt % triesBeforeThaw === 0) writeFreezer(native, path, 'THAWED');
    wait(native, stepMs);
  }
  return false;
}

function killOneByOne(native: Native, cgroup: CgroupRecord): void {
  const killed = new Set<number>();
  let left: number[];
  // A killed process may have forked just before.
  for (let pass = 0; (left = cgroupProcesses(native, cgroup).filter((pid) => !killed.has(pid))).length > 0; pass++) {
    if (pass === longestChase) {
      throw new Failure({
        code: 'kill.chase',
        message: 'processes of the container are made faster than they are killed',
      });
    }
    for (const pid of signalProcesses(native, cgroup, left, SIGKILL)) killed.add(pid);
  }
}

/** A frozen process does not end before it is thawed. The container may have frozen descendant cgroups. */
function thawForKill(native: Native, { hierarchies }: CgroupRecord): void {
  const freezer = cgroupWith(hierarchies, 'freezer')?.directory;
  if (freezer === undefined) return;
  const result = native.thawCgroups(freezer);
  if (isGone(result)) return;
  expectDone(result, 'cgroup.write', `cannot thaw cgroup "${freezer}" and those below it`, 'write');
}

/** The kernel signals an eventfd ("OOM Control" of memory.rst). */
function watchMemory(native: Native, directory: string): MemoryWatch | undefined {
  const action = `${watchAction} "${directory}"`;
  // Must stay open.
  const control = openWatched(native, `${directory}/memory.oom_control`);
  if (control === undefined) return undefined;
  const descriptor = expectDone(native.eventDescriptor(), 'events.watch', action, 'eventfd');
  const told = native.writeText(`${directory}/cgroup.event_control`, `${descriptor} ${control}`, O_WRONLY, 0);
  if (!isGone(told)) expectDone(told, 'events.watch', action, 'write');
  return {
    wanted: [descriptor, POLLIN],
    count(): number {
      const counter = native.readFd(descriptor, counterSize);
      if (counter === -EAGAIN) return 0;
      // The kernel also signals the eventfd when the cgroup is removed; the first byte of the count is its low byte.
      const found = native.stat(directory, 0);
      if (typeof found === 'number' && isGone(found)) return 0;
      return expectResult(counter, 'events.read', action, 'read').charCodeAt(0);
    },
    close(): void {
      native.close(descriptor);
      native.close(control);
    },
  };
}
