import { expectDone, expectResult, isAbsent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EAGAIN, ENODEV } from '../kernel/errno.ts';
import { O_RDONLY, O_WRONLY } from '../kernel/open-flags.ts';
import { POLLIN, POLLPRI } from '../kernel/sockets.ts';
import type { CgroupRecord } from '../plan/types.ts';
import { memoryDirectory } from './cgroup.ts';

const maximumFile = 1 << 16;
const counterSize = 8;
const action = 'cannot watch the memory of cgroup';

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
      this.descriptor = openIfPresent(native, `${directory}/memory.events`);
      this.kills = this.readKills();
      return;
    }
    this.control = openIfPresent(native, `${directory}/memory.oom_control`);
    if (this.control < 0) return;
    this.descriptor = expectDone(native.eventDescriptor(), 'events.watch', `${action} "${directory}"`, 'eventfd');
    const request = `${this.descriptor} ${this.control}`;
    const told = native.writeText(`${directory}/cgroup.event_control`, request, O_WRONLY, 0);
    if (!isGone(told)) expectDone(told, 'events.watch', `${action} "${directory}"`, 'write');
  }

  /** What to wait for, beside other things. */
  wanted(): (readonly [descriptor: number, events: number])[] {
    if (this.descriptor < 0) return [];
    return [[this.descriptor, this.cgroup.version === 2 ? POLLPRI : POLLIN]];
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
    if (counter === -EAGAIN) return 0;
    // The kernel also writes to it when the cgroup is removed; the low byte of the count is the first.
    const found = this.native.stat(memoryDirectory(this.cgroup) ?? '', 0);
    if (typeof found === 'number' && isGone(found)) return 0;
    return expectResult(counter, 'events.read', `${action} "${memoryDirectory(this.cgroup) ?? ''}"`, 'read').charCodeAt(
      0,
    );
  }

  close(): void {
    for (const descriptor of [this.descriptor, this.control]) if (descriptor >= 0) this.native.close(descriptor);
  }

  private readKills(): number {
    if (this.descriptor < 0) return 0;
    const text = this.native.readFd(this.descriptor, maximumFile);
    if (typeof text === 'number' && isGone(text)) return this.kills;
    const known = expectResult(text, 'events.read', `${action} "${memoryDirectory(this.cgroup) ?? ''}"`, 'read');
    return Number(/^oom_kill (\d+)/m.exec(known)?.[1] ?? this.kills);
  }
}

/** The cgroup has ended, or has no such file. */
function isGone(result: number): boolean {
  return result === -ENODEV || isAbsent(result);
}

/** -1 when there is no such file. */
function openIfPresent(native: Native, path: string): number {
  const descriptor = native.open(path, O_RDONLY, 0);
  return isGone(descriptor) ? -1 : expectDone(descriptor, 'events.watch', `cannot read "${path}"`, 'open');
}
