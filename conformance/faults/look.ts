import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hierarchies } from '../harness/cgroup.ts';

const statusFields =
  /^(?:Umask|Uid|Gid|Groups|NStgid|SigBlk|SigIgn|SigCgt|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Seccomp_filters|Cpus_allowed|Mems_allowed):/;
const limitFiles = [
  'pids.max',
  'memory.limit_in_bytes',
  'memory.memsw.limit_in_bytes',
  'memory.max',
  'memory.swap.max',
  'cpu.shares',
  'cpu.cfs_quota_us',
  'cpu.cfs_period_us',
  'cpu.weight',
  'cpu.max',
  'devices.list',
  'cpuset.cpus',
  'cpuset.mems',
];
/** The fields of mountinfo(5) that differ between equal containers. */
const mountLine = /^\d+ \d+ \d+:\d+ (.*)$/;

/** The properties of a process as seen by the host. Equal values mean equal properties. */
export function lookAt(pid: number): string {
  const read = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  return [
    comparable(read('status')),
    comparable(read('mountinfo')),
    read('limits'),
    `oom_score_adj ${read('oom_score_adj')}`,
    `cmdline ${read('cmdline').replaceAll('\0', ' ')}`,
    `environ ${read('environ').replaceAll('\0', ' ')}`,
    `personality ${read('personality')}`,
    ...namespaces(pid),
    ...descriptors(pid),
    ...devices(pid),
    ...cgroups(read('cgroup')),
  ].join('\n');
}

/** The parts of /proc/PID/status, of /proc/PID/mountinfo or of a program's output that are the same in each run. */
export function comparable(text: string): string {
  return text
    .split(/\r?\n/)
    .flatMap((line) => {
      const mount = mountLine.exec(line)?.[1];
      if (mount !== undefined) {
        // A terminal whose last descriptor outside has been closed counts as deleted, which takes a moment.
        return [mount.replaceAll(/\b(shared|master|propagate_from):\d+/g, '$1').replace('//deleted ', ' ')];
      }
      // The pid in the container is 1 for init and differs for each process of exec; only the number of pids matters.
      if (line.startsWith('NStgid:')) return [`NStgid: ${line.split('\t').length - 1}`];
      // A warning of rt on a terminal, and its hint, are not of the container.
      return /^(?:\w+|  hint):/.test(line) && !statusFields.test(line) ? [] : [line];
    })
    .join('\n');
}

function namespaces(pid: number): string[] {
  return readdirSync(`/proc/${pid}/ns`).map((name) => {
    const own = readlinkSync(`/proc/self/ns/${name}`) === readlinkSync(`/proc/${pid}/ns/${name}`);
    return `namespace ${name} ${own ? 'of the host' : 'of its own'}`;
  });
}

function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:\[\d+\]/, '');
    // Without the container's, the program gets a new one.
    const shown = target === '/null' ? '/dev/null' : target.startsWith('/tmp/') ? 'file' : target;
    return `descriptor ${fd} ${shown}`;
  });
}

function devices(pid: number): string[] {
  const directory = `/proc/${pid}/root/dev`;
  return readdirSync(directory).map((name) => {
    const { mode, uid, gid, rdev } = lstatSync(join(directory, name));
    return `device ${name} ${mode.toString(8)} ${uid} ${gid} ${rdev}`;
  });
}

/** A hierarchy that others mount or unmount meanwhile shows the root. */
function cgroups(text: string): string[] {
  const paths = text
    .trim()
    .split('\n')
    .map((line) => line.slice(line.indexOf(':') + 1))
    .filter((line) => !line.endsWith(':/'));
  const directories = hierarchies().flatMap((hierarchy) =>
    paths.map((line) => hierarchy + line.slice(line.indexOf(':') + 1)),
  );
  const files = [...new Set(directories)].flatMap((directory) => limitFiles.map((file) => join(directory, file)));
  const values = files.filter((file) => existsSync(file)).map((file) => `${file} ${readFileSync(file, 'utf8').trim()}`);
  return [...paths.sort(), ...values.sort()];
}
