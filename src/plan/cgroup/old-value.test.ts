import t from 'tap';
import { oldValue } from './old-value.ts';

t.test('oldValue: the whole text of a file with one value', async (t) => {
  t.equal(oldValue('/c/memory.max', 'max\n', '4096'), 'max');
  t.equal(oldValue('/c/cpu.max', 'max 100000\n', '50000 100000'), 'max 100000', 'two numbers are no key and value');
  t.equal(oldValue('/c/cpuset.cpus', '0-3\n', '0 2'), '0-3', 'nor is a list');
  t.equal(oldValue('/c/cpuset.cpus', '\n', '1'), '\n', 'the kernel refuses an empty write');
});

t.test('oldValue: the line of the same device', async (t) => {
  const io = '8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2 wbps=max riops=max wiops=max\n';
  t.equal(oldValue('/c/io.max', io, '8:16 rbps=5'), '8:16 rbps=2 wbps=max riops=max wiops=max');
  t.equal(oldValue('/c/io.max', io, '8:1 rbps=5'), '8:1 rbps=max wbps=max riops=max wiops=max');
  t.equal(oldValue('/c/io.weight', 'default 100\n8:0 50\n', '8:0 7'), '8:0 50');
  t.equal(oldValue('/c/io.weight', 'default 100\n8:0 50\n', '7'), 'default 100');
  t.equal(oldValue('/c/blkio.throttle.read_bps_device', '8:0 1\n', '8:16 2'), '8:16 0');
  t.equal(
    oldValue('/c/rdma.max', 'mlx4_0 hca_handle=2 hca_object=max\n', 'mlx4_0 hca_handle=1'),
    'mlx4_0 hca_handle=2 hca_object=max',
  );
});

t.test('oldValue: a device without a weight gets the default back, since the kernel refuses 0', async (t) => {
  for (const file of ['io.weight', 'io.bfq.weight', 'blkio.bfq.weight_device']) {
    t.equal(oldValue(`/c/${file}`, 'default 100\n', '8:0 50'), '8:0 default', file);
  }
});
