import t from 'tap';
import type { Options } from '../options/options.ts';
import { CGROUP2_SUPER_MAGIC } from '../kernel/file-systems.ts';
import { FakeHost } from '../../test/fake-host.ts';
import { spec } from './spec.ts';

interface Written {
  readonly ociVersion: string;
  readonly process: { readonly terminal: boolean; readonly args: readonly string[]; readonly noNewPrivileges: boolean };
  readonly mounts: readonly { readonly destination: string; readonly type: string; readonly options?: string[] }[];
  readonly linux: {
    readonly namespaces: readonly { readonly type: string }[];
    readonly maskedPaths: readonly string[];
    readonly readonlyPaths: readonly string[];
    readonly resources?: object;
    readonly uidMappings?: object;
    readonly gidMappings?: object;
  };
}

function written(host: FakeHost, options: Options = {}, path = '/work/config.json'): Written {
  t.same(spec({ native: host.native, globals: {}, options, operands: [], debug: () => {} }), {});
  return JSON.parse(host.files.get(path) ?? '') as Written;
}

t.test('spec writes a configuration indented by tabs', async (t) => {
  const host = new FakeHost();
  const config = written(host);
  const text = host.files.get('/work/config.json') ?? '';
  t.match(text, /^\{\n\t"ociVersion": "1\.3\.0",\n\t"process": \{\n\t\t"terminal": true,/);
  t.ok(text.endsWith('}\n'));
  t.same(
    config.linux.namespaces.map(({ type }) => type),
    ['pid', 'network', 'ipc', 'uts', 'mount'],
  );
  t.same(config.linux.resources, { devices: [{ allow: false, access: 'rwm' }] });
  t.ok(config.process.noNewPrivileges);
});

t.test('spec --schema prints the schema and writes nothing', async (t) => {
  const host = new FakeHost();
  const native = { ...host.native, configSchema: () => '{}\n' };
  const options = { schema: true };
  t.same(spec({ native, globals: {}, options, operands: [], debug: () => {} }), { output: '{}\n' });
  t.equal(host.files.size, 0);
});

t.test('spec hides paths that reveal or change the host', async (t) => {
  const { maskedPaths, readonlyPaths } = written(new FakeHost()).linux;
  const hidden = 'acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats'.split(' ');
  t.same(
    hidden.filter((name) => !maskedPaths.includes(`/proc/${name}`)),
    [],
  );
  t.ok(maskedPaths.includes('/sys/firmware'));
  t.ok(maskedPaths.includes('/sys/devices/virtual/powercap'));
  t.same(readonlyPaths, ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']);
});

t.test('spec adds a cgroup namespace on a host with cgroup v2', async (t) => {
  const host = new FakeHost();
  host.fileSystem = CGROUP2_SUPER_MAGIC;
  t.ok(written(host).linux.namespaces.some(({ type }) => type === 'cgroup'));
});

t.test('spec --rootless maps the caller to root and needs no privileges', async (t) => {
  const host = new FakeHost();
  host.uid = 1000;
  host.files.set('/proc/self/status', 'Name:\trt\nUid:\t1000\t1000\t1000\t1000\nGid:\t99\t100\t100\t100\n');
  const config = written(host, { 'rootless-spec': true });
  t.same(
    config.linux.namespaces.map(({ type }) => type),
    ['pid', 'ipc', 'uts', 'mount', 'user'],
  );
  t.same(config.linux.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  t.same(config.linux.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }]);
  t.equal(config.linux.resources, undefined);
  const options = (destination: string): string[] | undefined =>
    config.mounts.find((mount) => mount.destination === destination)?.options;
  t.same(options('/dev/pts'), ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']);
  t.same(options('/sys'), ['rbind', 'nosuid', 'noexec', 'nodev', 'ro']);
});

t.test('spec keeps an existing file, and accepts --bundle', async (t) => {
  const host = new FakeHost();
  t.ok(written(host, { bundle: '/b' }, '/b/config.json'));
  t.throws(() => written(host, { bundle: '/b' }), { message: 'File config.json exists. Remove it first' });
});
