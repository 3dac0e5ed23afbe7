import type { Native } from '../host/native.ts';
import { O_RDONLY, O_WRONLY } from '../host/open-flags.ts';
import type { CgroupRecord } from '../plan/types.ts';
import { memoryDirectory } from './cgroup.ts';
import { pollInput, pollPriority } from './wait.ts';

const maximumFile = 1 << 16;
const counterSize = 8;

/**
 * Tells when the kernel runs out of memory in a container: on v2 memory.events changes, on v1 an eventfd is told
 * (kernel: cgroup-v1/memory.rst, "OOM Control"). Where the host has no memory controller nothing ever happens.
 */
export class OomWatch {
  private readonly native: Native;
  private readonly cgroup: CgroupRecord;
  /** The file whose change is waited for (v2), or the eventfd (v1). */
  private descriptor = -1;
  /** v1: memory.oom_control, which must stay open. */
  private control = -1;
  private kills = 0;

  constructor(native: Native, cgroup: CgroupRecord) {
    this.native = native;
    this.cgroup = cgroup;
    const directory = memoryDirectory(cgroup);
    if (directory === undefined) return;
    if (cgroup.version === 2) {
      this.descriptor = native.open(`${directory}/memory.events`, O_RDONLY, 0);
      this.kills = this.readKills();
      return;
    }
    this.control = native.open(`${directory}/memory.oom_control`, O_RDONLY, 0);
    this.descriptor = native.eventDescriptor();
    const request = `${this.descriptor} ${this.control}`;
    native.writeText(`${directory}/cgroup.event_control`, request, O_WRONLY, 0);
  }

  /** What to wait for, beside other things. */
  wanted(): (readonly [descriptor: number, events: number])[] {
    if (this.descriptor < 0) return [];
    return [[this.descriptor, this.cgroup.version === 2 ? pollPriority : pollInput]];
  }

  /** How often it happened since the last call. */
  count(): number {
    if (this.descriptor < 0) return 0;
    if (this.cgroup.version === 2) {
      const before = this.kills;
      this.kills = this.readKills();
      return Math.max(0, this.kills - before);
    }
    const counter = this.native.readFd(this.descriptor, counterSize);
    // The kernel also writes to it when the cgroup is removed; the low byte of the count is the first.
    const gone = typeof this.native.stat(memoryDirectory(this.cgroup) ?? '', 0) === 'number';
    return typeof counter === 'number' || gone ? 0 : counter.charCodeAt(0);
  }

  close(): void {
    for (const descriptor of [this.descriptor, this.control]) if (descriptor >= 0) this.native.close(descriptor);
  }

  private readKills(): number {
    if (this.descriptor < 0) return 0;
    const text = this.native.readFd(this.descriptor, maximumFile);
    return typeof text === 'number' ? this.kills : Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? this.kills);
  }
}
