/**
 * Files with a line for each device, or each resource, and what stands in the line of one without a limit (kernel:
 * admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/blkio-controller.rst). A write changes one line.
 */
const unlimited: Readonly<Record<string, string>> = {
  'blkio.bfq.weight_device': 'default',
  'blkio.leaf_weight_device': 'default',
  'blkio.throttle.read_bps_device': '0',
  'blkio.throttle.read_iops_device': '0',
  'blkio.throttle.write_bps_device': '0',
  'blkio.throttle.write_iops_device': '0',
  'blkio.weight_device': 'default',
  'dmem.low': '0',
  'dmem.max': 'max',
  'dmem.min': '0',
  'io.bfq.weight': 'default',
  'io.latency': 'target=0',
  'io.max': 'rbps=max wbps=max riops=max wiops=max',
  'io.weight': 'default',
  'misc.max': 'max',
  'net_prio.ifpriomap': '0',
  'rdma.max': 'hca_handle=max hca_object=max',
};

/** What has to be written to a cgroup file that reads `text` to undo a write of `data`. */
export function oldValue(path: string, text: string, data: string): string {
  const none = unlimited[path.slice(path.lastIndexOf('/') + 1)];
  const old = text.trim();
  const blank = data.indexOf(' ');
  // The weight of all devices is written without a key.
  const key = blank < 0 && none === 'default' ? 'default' : data.slice(0, Math.max(0, blank));
  if (none === undefined || key === '') return old === '' ? '\n' : old;
  return old.split('\n').find((line) => line.startsWith(`${key} `)) ?? `${key} ${none}`;
}
