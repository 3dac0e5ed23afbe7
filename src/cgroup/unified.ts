import { expectResult, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_RDONLY } from '../kernel/open-flags.ts';
import { POLLPRI } from '../kernel/sockets.ts';
import type { Current } from '../plan/cgroup/limits.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import { StatFiles } from './stats/files.ts';
import { unifiedStats } from './stats/v2.ts';
import { milliseconds, waitList } from '../host/poll.ts';
import type { CgroupDriver, MemoryWatch } from './driver.ts';
import {
  countKills,
  isGone,
  openWatched,
  readCgroupFile,
  readCount,
  readFlag,
  watchAction,
  writeFreezer,
  writeIfPresent,
} from './files.ts';

const maximumFile = 1 << 16;

/** cgroup v2 (kernel: Documentation/admin-guide/cgroup-v2.rst). */
export const unifiedDriver: CgroupDriver = {
  freezer: directoryOf,
  memory: directoryOf,
  isFrozen: (native, directory) => readFlag(native, `${directory}/cgroup.freeze`)?.startsWith('1') === true,
  isFrozenAbove: (native, directory) =>
    !unifiedDriver.isFrozen(native, directory) &&
    /^frozen 1$/m.test(readCgroupFile(native, `${directory}/cgroup.events`) ?? ''),
  freeze,
  thaw: ['cgroup.freeze', '0'],
  kill(native, cgroup) {
    const directory = directoryOf(cgroup) ?? '';
    writeIfPresent(native, `${directory}/cgroup.kill`, '1');
    // cgroup.kill also kills frozen processes, but leaves the cgroup frozen.
    writeIfPresent(native, `${directory}/cgroup.freeze`, '0');
  },
  thawForKill: () => undefined,
  outOfMemoryKills: (native, directory) => countKills(native, `${directory}/memory.events`),
  hasReachedLimit: (native, directory) =>
    /^oom [1-9]/m.test(readCgroupFile(native, `${directory}/memory.events`) ?? ''),
  memoryFiles: { limit: 'memory.max', peak: 'memory.peak' },
  watchMemory,
  memoryUsage(native, directory) {
    const memory = readCount(native, `${directory}/memory.current`);
    return { memory, withSwap: memory + readCount(native, `${directory}/memory.swap.current`) };
  },
  current(native, cgroup): Current {
    const read = (file: string): string =>
      (readCgroupFile(native, `${directoryOf(cgroup) ?? ''}/${file}`) ?? '').trim();
    const [quota, period] = read('cpu.max').split(' ');
    const memory = read('memory.max');
    return {
      ...(quota === undefined || period === undefined ? {} : { quota, period }),
      ...(memory === '' ? {} : { memoryLimit: memory === 'max' ? -1 : BigInt(memory) }),
    };
  },
  stats: (native, cgroup) => unifiedStats(new StatFiles(native, () => directoryOf(cgroup) ?? '')),
};

function directoryOf({ hierarchies }: Pick<CgroupRecord, 'hierarchies'>): string | undefined {
  return hierarchies[0]?.directory;
}

/** cgroup.events signals POLLPRI when the last process is frozen ("Core Interface Files"). */
function freeze(native: Native, directory: string, deadline: number): boolean {
  const path = `${directory}/cgroup.events`;
  const events = native.open(path, O_RDONLY, 0);
  if (events < 0) throw systemFailure('pause.write', `cannot read "${path}"`, 'open', events);
  try {
    writeFreezer(native, `${directory}/cgroup.freeze`, '1');
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

/** memory.events signals POLLPRI when it changes. */
function watchMemory(native: Native, directory: string): MemoryWatch | undefined {
  const events = openWatched(native, `${directory}/memory.events`);
  if (events === undefined) return undefined;
  const read = (before: number): number => {
    const text = native.readFd(events, maximumFile);
    if (typeof text === 'number' && isGone(text)) return before;
    const known = expectResult(text, 'events.read', `${watchAction} "${directory}"`, 'read');
    return Number(/^oom_kill (\d+)/m.exec(known)?.[1] ?? before);
  };
  let kills = read(0);
  return {
    wanted: [events, POLLPRI],
    count(): number {
      const before = kills;
      kills = read(before);
      return Math.max(0, kills - before);
    },
    close: () => void native.close(events),
  };
}
