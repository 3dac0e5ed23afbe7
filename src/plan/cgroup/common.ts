import type { LinuxResources } from '../../../schema/generated/config.ts';
import { pointerPart } from '../../diag/pointer.ts';
import type { LimitWriter } from './limits.ts';

/** Limits whose files are the same on v1 and v2. */
export function commonLimits(resources: LinuxResources, writer: LimitWriter): void {
  const { pids, cpu, rdma = {} } = resources;
  if (pids?.limit !== undefined) {
    writer.write({ file: 'pids.max', data: pidsMaximum(pids.limit), from: '/linux/resources/pids/limit' });
  }
  if (cpu?.cpus) writer.write({ file: 'cpuset.cpus', data: cpu.cpus, from: '/linux/resources/cpu/cpus' });
  if (cpu?.mems) writer.write({ file: 'cpuset.mems', data: cpu.mems, from: '/linux/resources/cpu/mems' });
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(rdma)) {
    const words = [device];
    if (hcaHandles !== undefined) words.push(`hca_handle=${String(hcaHandles)}`);
    if (hcaObjects !== undefined) words.push(`hca_object=${String(hcaObjects)}`);
    if (words.length === 1) continue;
    const from = `/linux/resources/rdma/${pointerPart(device)}`;
    writer.write({ file: 'rdma.max', data: words.join(' '), from });
  }
}

/** 0 is a valid limit since runtime-spec 1.3, but the controller needs 1 to forbid forks. */
export function pidsMaximum(limit: number | bigint): string {
  if (Number(limit) < 0) return 'max';
  return Number(limit) === 0 ? '1' : String(limit);
}

/** A limit as a file of v2 has it: negative for none. */
export function maximum(value: number | bigint): string {
  return Number(value) < 0 ? 'max' : String(value);
}

/** Both the pages in use and the pages reserved by mappings (kernel: admin-guide/cgroup-v1/hugetlb.rst). */
export function hugepageLimits(resources: LinuxResources, writer: LimitWriter, suffix: string): void {
  (resources.hugepageLimits ?? []).forEach(({ pageSize, limit }, index) => {
    const from = `/linux/resources/hugepageLimits/${String(index)}`;
    writer.write({ file: `hugetlb.${pageSize}.${suffix}`, data: String(limit), from });
    writer.write({ file: `hugetlb.${pageSize}.rsvd.${suffix}`, data: String(limit), from });
  });
}
