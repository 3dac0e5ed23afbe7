/** A change without effect on a container, so no test needs to notice it. */
export interface Equivalent {
  /** Relative to src/plan. */
  readonly file: string;
  /** As printed by the tool. */
  readonly what: string;
  readonly why: string;
}

const single = 'it has one element at most';
const realtime = 'realtime bandwidth goes to a list of its own, for before init joins';
const scheduling = 'neither needs the other, and both stand before the rights are dropped';

export const equivalents: readonly Equivalent[] = [
  {
    file: 'cgroup/index.ts',
    what: '...(rules.unified ? unifiedOps(config, facts, leaf, limits, from) : []) after ...limits.early',
    why: 'the first is empty on v1, the second on v2',
  },
  { file: 'cgroup/index.ts', what: 'backwards limits.devices.filter(restricts)', why: single },
  { file: 'cgroup/mount.ts', what: 'backwards facts.cgroups.hierarchies.map(({ mount }) => ({', why: single },
  {
    file: 'cgroup/v1.ts',
    what: "writeCpu(writer, resources.cpu ?? {}); after writeRealtime(writer, resources.cpu ?? {}, directoryOf('cpu'));",
    why: realtime,
  },
  {
    file: 'cgroup/v1.ts',
    what: "writeRealtime(writer, resources.cpu ?? {}, directoryOf('cpu')); after writeBlockIo(writer, resources);",
    why: realtime,
  },
  {
    file: 'exec.ts',
    what: '...giveStreamsOps(config, process) after ...root.open',
    why: 'the one changes who owns the streams, the other opens a directory as the user of the runtime',
  },
  { file: 'exec.ts', what: '...schedulingOps(config, process) after ...labels', why: scheduling },
  { file: 'index.ts', what: '...schedulingOps(config, process) after ...labels', why: scheduling },
  {
    file: 'labels.ts',
    what: "if (apparmorProfile !== '') { after if (selinuxLabel !== '') {",
    why: 'two modules, each with an attribute of its own',
  },
  {
    file: 'restore.ts',
    what: "...init.filter((op) => op.op === 'unshare' && op.flags === CLONE_NEW.cgroup) after ...joinInheritedOps(config, (type) => joinedPath(config, type) ?? '')",
    why: 'a cgroup namespace does not change what a path of procfs means',
  },
  {
    file: 'restore.ts',
    what: "backwards init.filter((op) => op.op === 'unshare' && op.flags === CLONE_NEW.cgroup)",
    why: single,
  },
];
