// Generated from schema/ops.json by schema/build/ops.ts; do not edit.

/** Makes a cgroup and its missing ancestors below a hierarchy's mount point; fails with EBUSY when it exists and has processes, with EDEADLK when it or an ancestor is frozen. On cpuset, fills the empty files named in `inherit` from the parent, top down. */
export interface CgroupCreateOp {
  readonly op: 'cgroup_create';
  readonly hierarchy: string;
  readonly path: string;
  readonly inherit: readonly string[];
}

/** Enables controllers in `cgroup.subtree_control` of every ancestor of a v2 cgroup, from the mount point down; an ancestor that cannot give one of `required` fails, one of `optional` is left out. */
export interface CgroupEnableOp {
  readonly op: 'cgroup_enable';
  readonly hierarchy: string;
  readonly path: string;
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** Writes `data` in one write to an existing host file; `ignore` is an errno that does not count as a failure, 0 for none. */
export interface WriteFileOp {
  readonly op: 'write_file';
  readonly path: string;
  readonly data: string;
  readonly ignore: number;
}

/** Writes each of `data` to the file of the same place in `paths`, as write_file does. One refused with EINVAL is tried again after the others: settings that bound each other are taken in one order only, and which one depends on their values before. */
export interface WriteFilesOp {
  readonly op: 'write_files';
  readonly paths: readonly string[];
  readonly data: readonly string[];
}

/** Writes to the first file of `paths` that exists what stands in its place in `data`, as write_file does. */
export interface WriteFirstOp {
  readonly op: 'write_first';
  readonly paths: readonly string[];
  readonly data: readonly string[];
}

/** Gives a v2 cgroup and those of `files` that it has to `uid`, who may then divide it among children. */
export interface CgroupDelegateOp {
  readonly op: 'cgroup_delegate';
  readonly directory: string;
  readonly files: readonly string[];
  readonly uid: number;
}

/** Writes the lines of `rules` one by one to `devices.deny` (lines that begin with `-`) or `devices.allow` (`+`) of a v1 cgroup. */
export interface WriteDeviceRulesOp {
  readonly op: 'write_device_rules';
  readonly directory: string;
  readonly rules: readonly string[];
}

/** Loads `program`, eBPF instructions of type BPF_PROG_TYPE_CGROUP_DEVICE, attaches it to a v2 cgroup, asks the kernel whether it is there, and detaches those that an earlier op of this kind attached. An empty program only detaches. */
export interface DeviceProgramOp {
  readonly op: 'device_program';
  readonly directory: string;
  readonly program: Uint8Array;
}

/** Makes a group of resctrl, or with `must_exist` 1 verifies that it is there. */
export interface ResctrlGroupOp {
  readonly op: 'resctrl_group';
  readonly path: string;
  readonly mustExist: number;
}

/** Moves the device `name` from the runtime's network namespace to the one at `namespace` (that of the container's init, known only after the clone), as `new_name`, with its permanent addresses of global scope, and brings it up. `back` 1 does the reverse, and gives it what `state` says that it had. */
export interface NetDeviceOp {
  readonly op: 'net_device';
  readonly namespace: string;
  readonly name: string;
  readonly newName: string;
  readonly back: number;
  readonly state: Uint8Array;
}

/** Raises the hard resource limit to `hard` where it is lower, and leaves the soft one: in a user namespace init may only lower it. */
export interface RaiseLimitOp {
  readonly op: 'raise_limit';
  readonly resource: number;
  readonly hard: number | bigint;
}

/** Makes a user namespace with the maps given as lines `inside outside size` and keeps it in `slot`. The maps are written directly, or by the programs `uid_tool` and `gid_tool` where these are not empty. `deny_setgroups` 1 forbids setgroups(2) in it first, without which nobody unprivileged may write a gid map. `dumpable` 1: a runtime that is not root writes them, to whom the files in /proc belong only of a process that may be dumped. `unguessable` 1: the namespace belongs to a user id of 2147483648 or above that is chosen at random, where the user namespace of the process has one; 0: to the user that the process is. */
export interface UserNamespaceOp {
  readonly op: 'user_namespace';
  readonly slot: number;
  readonly uidMap: string;
  readonly gidMap: string;
  readonly denySetgroups: number;
  readonly uidTool: string;
  readonly gidTool: string;
  readonly dumpable: number;
  readonly unguessable: number;
}

/** Compares the maps of the user namespace it is in with lines `inside outside size`: EINVAL when they differ. */
export interface CheckIdMapsOp {
  readonly op: 'check_id_maps';
  readonly uidMap: string;
  readonly gidMap: string;
}

/** Becomes uid 0 and gid 0 of the user namespace, without supplementary groups. `groups`: 0 they must go; 1 setgroups(2) is forbidden in it; 2 it may be forbidden. */
export interface BecomeRootOp {
  readonly op: 'become_root';
  readonly groups: number;
}

/** Clones the mount at `path` with the rights of the runtime, detached, and keeps it in `slot`. `flags`: 1 with all mounts below it; 2 it must be a directory and its last component no symbolic link. `propagation` (0: as it is) is given to all of it. */
export interface OpenTreeOp {
  readonly op: 'open_tree';
  readonly slot: number;
  readonly path: string;
  readonly flags: number;
  readonly propagation: number;
}

/** Maps the owners of the files of the detached mount in `slot` through the user namespace in `namespace`, `recursive` also of the mounts below it. */
export interface IdmapTreeOp {
  readonly op: 'idmap_tree';
  readonly slot: number;
  readonly namespace: number;
  readonly recursive: number;
}

/** Opens the file with the clocks of the time namespace that will be made, while it belongs to the user who runs the runtime, and keeps it in `slot`. */
export interface OpenTimeOffsetsOp {
  readonly op: 'open_time_offsets';
  readonly slot: number;
}

/** Goes on as a child in new namespaces `flags` (CLONE_NEW*), one for pids among them, with the same parent, in a session of its own: the container's init. */
export interface CloneInitOp {
  readonly op: 'clone_init';
  readonly flags: number;
}

/** Stops until the runtime has done what it does meanwhile: cgroups that are joined next, or limits that hold from here on. */
export interface AwaitRuntimeOp {
  readonly op: 'await_runtime';
}

/** Moves the calling, single-threaded process by writing 0 to `file`: a v1 `tasks` file takes no lock that waits for RCU. */
export interface CgroupJoinOp {
  readonly op: 'cgroup_join';
  readonly file: string;
}

/** Makes new namespaces: those that the clone leaves to init, or the cgroup namespace, whose root is the cgroup joined before. */
export interface UnshareOp {
  readonly op: 'unshare';
  readonly flags: number;
}

/** Opens a namespace file and verifies that it is a namespace of type `type` (a CLONE_NEW* flag). The pid namespace that the process is in is not kept: there is nothing to join. `need` tells why it must not be the one that the process is in, whatever its path is: EEXIST. Empty: it may be. */
export interface NamespaceOpenOp {
  readonly op: 'namespace_open';
  readonly slot: number;
  readonly path: string;
  readonly type: number;
  readonly need: string;
}

/** Joins the namespace opened in `slot`, unless it was joined before. One that belongs to the user namespace in `user` (0: none) is left for later, when the process is in that user namespace. `keep` 1: the descriptor is needed again. */
export interface NamespaceJoinOp {
  readonly op: 'namespace_join';
  readonly slot: number;
  readonly type: number;
  readonly user: number;
  readonly keep: number;
}

/** Makes a time namespace, writes `offsets` (lines `clock seconds nanoseconds`) and enters it: without that only children would be in it. `slot` has the file that open_time_offsets has opened, 0 for none. */
export interface TimeNamespaceOp {
  readonly op: 'time_namespace';
  readonly offsets: string;
  readonly slot: number;
}

/** Joins a new session keyring called `name` and adds `permission`, that of its user or of others to search it. */
export interface SessionKeyringOp {
  readonly op: 'session_keyring';
  readonly name: string;
  readonly permission: number;
}

/** Keeps in `slot` the user namespace that the container had at create: the one at `path`, that of its init, or one above it, which init may have left for one of its own making. It is the one named by `device` and `inode`, or with `child` 1 the one whose parent is named by them. ESTALE: there is none. */
export interface ContainerUserNamespaceOp {
  readonly op: 'container_user_namespace';
  readonly slot: number;
  readonly path: string;
  readonly child: number;
  readonly device: number | bigint;
  readonly inode: number | bigint;
}

/** Opens the root directory of the container's init, at `path` in the procfs of the host, in place of that of a mount namespace, which the container shares with the host. */
export interface OpenProcessRootOp {
  readonly op: 'open_process_root';
  readonly path: string;
}

/** Joins the namespaces `flags` (CLONE_NEW*) of the container's init, all in one step, and the user namespace in `user` (0: none): before them when the kernel gives no rights over them otherwise, else after them. The mount namespace must belong to the user namespace named by `owner_device` and `owner_inode` (0: the one in `user`), else ESTALE: init has moved to one of its own making. */
export interface JoinProcessOp {
  readonly op: 'join_process';
  readonly flags: number;
  readonly user: number;
  readonly ownerDevice: number | bigint;
  readonly ownerInode: number | bigint;
}

/** From now on the process does not die with the runtime. Closes what find_program would close. `fork` 1: it goes on as another child of the runtime's, in a session of its own, which is how a pid namespace is entered. Where a cgroup has no place for both (EAGAIN), it tells the runtime, which moves it elsewhere and the child back: that takes no place. `apart` 1: it is elsewhere already. `terminal` 1: descriptor 0 becomes its controlling terminal. */
export interface OutliveOp {
  readonly op: 'outlive';
  readonly fork: number;
  readonly apart: number;
  readonly terminal: number;
}

/** Brings `lo` up in a new network namespace. */
export interface LoopbackUpOp {
  readonly op: 'loopback_up';
}

/** Propagation of the mount at `/`: `type` is MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE. */
export interface SetPropagationOp {
  readonly op: 'set_propagation';
  readonly type: number;
  readonly recursive: number;
}

/** Clones the mount tree at the rootfs, gives its top the propagation `type`, attaches it over itself and keeps the descriptor: every later path in the container is resolved below it. `isolate` first makes the mount that holds the rootfs private, which a shared one must be. A tree that the stage opened in `tree` (0: none) is attached over the root of the mount namespace instead, so that its path need not be reachable. */
export interface OpenRootOp {
  readonly op: 'open_root';
  readonly path: string;
  readonly type: number;
  readonly isolate: number;
  readonly tree: number;
}

/** Opens the rootfs without cloning it, when there is no mount namespace. */
export interface OpenRootDirectoryOp {
  readonly op: 'open_root_directory';
  readonly path: string;
}

/** Attaches a private clone of the rootfs over itself in the mount namespace of the runtime, to hold the container's mounts, and keeps the descriptor. For a container that has mounts and shares that namespace. */
export interface HoldRootOp {
  readonly op: 'hold_root';
  readonly path: string;
}

/** Mounts a new filesystem: the context is configured with `options` (`key` or `key=value`), the mount is made detached with `attributes` and attached to `destination`, which is made when missing. `flags`: 1 the destination must be reached without symbolic links; 2 an existing directory gives its mode to the new root unless `mode=` is given; 4 what is in the directory is copied into the filesystem first; 8 the new root gets the owner of the directory; 16 it may lie on the container's /proc, else EPERM when links lead there. A procfs shows the pid namespace in `pid_namespace` (0: its own). Before Linux 6.18 a child that init makes there opens it, and has the rights of init for that moment. With an option of more than 255 bytes, which fsconfig does not take, it is mounted in place. The mount's descriptor is kept in `slot`. */
export interface MountFilesystemOp {
  readonly op: 'mount_filesystem';
  readonly slot: number;
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  readonly attributes: number | bigint;
  readonly flags: number;
  readonly pidNamespace: number;
}

/** Binds `source`, which the stage may have opened in `tree` (0: it has not), on `destination`, which is made (a directory, or an empty file for any other source) when missing. `set` and `clear` are MOUNT_ATTR_* bits of the top mount, `recursive_set` and `recursive_clear` of every mount of the tree. `flags`: 1 recursive; 2 the source must be the root of a procfs; 4 the destination must be reached without symbolic links; 8 it may lie on the container's /proc, else EPERM when links lead there. The mount's descriptor is kept in `slot`. */
export interface MountBindOp {
  readonly op: 'mount_bind';
  readonly slot: number;
  readonly source: string;
  readonly destination: string;
  readonly set: number | bigint;
  readonly clear: number | bigint;
  readonly recursiveSet: number | bigint;
  readonly recursiveClear: number | bigint;
  readonly flags: number;
  readonly tree: number;
}

/** Changes MOUNT_ATTR_* bits of the mount kept in `slot`; slot 0 is the root. */
export interface MountAttributesOp {
  readonly op: 'mount_attributes';
  readonly slot: number;
  readonly set: number | bigint;
  readonly clear: number | bigint;
  readonly recursive: number;
}

/** Propagation of the mount kept in `slot`. */
export interface MountPropagationOp {
  readonly op: 'mount_propagation';
  readonly slot: number;
  readonly type: number;
  readonly recursive: number;
}

/** Makes a directory of the container and its missing parents. */
export interface MakeDirectoryOp {
  readonly op: 'make_directory';
  readonly path: string;
  readonly mode: number;
}

/** Makes a device node or fifo; one that exists must be of the same type and number, and keeps mode and owner when it is a mount. `mode` holds the S_IF* type. */
export interface MakeDeviceOp {
  readonly op: 'make_device';
  readonly path: string;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
}

/** Binds the device node `source` of the host, which the stage may have opened in `tree` (0: it has not), on the same path of the container, where a user namespace does not let it make one. It must be of type and number given, or the call fails with ENODEV. */
export interface BindDeviceOp {
  readonly op: 'bind_device';
  readonly tree: number;
  readonly source: string;
  readonly path: string;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** Makes a symbolic link; an existing name is left as it is. */
export interface MakeLinkOp {
  readonly op: 'make_link';
  readonly path: string;
  readonly target: string;
}

/** Opens a new terminal in the devpts instance at `/dev/pts` of the container, gives it `width` and `height` unless one is 0, sends its master to the runtime, waits until that has handed it on, and makes the slave descriptors 0 to 2, and the controlling terminal when `controlling` is 1. */
export interface TerminalOp {
  readonly op: 'terminal';
  readonly width: number;
  readonly height: number;
  readonly controlling: number;
}

/** Binds the terminal at descriptor 0 on `path`, which is made, an empty file, when missing. */
export interface ConsoleOp {
  readonly op: 'console';
  readonly path: string;
}

/** Hides a path: an empty read-only directory is bound on a directory, the null device on anything else; a missing path needs no mask. */
export interface MaskPathOp {
  readonly op: 'mask_path';
  readonly path: string;
}

/** Makes a path read-only by a read-only recursive bind of itself; a missing path is left out. */
export interface ReadonlyPathOp {
  readonly op: 'readonly_path';
  readonly path: string;
}

/** Stops for the runtime: until systemd has put the process into its unit, or, once mounts are done, until the hooks of the runtime namespace have run. */
export interface HostHooksOp {
  readonly op: 'host_hooks';
}

/** Opens the regular file `path` to append to, makes it when it is not there, and keeps it in `slot`. */
export interface OpenLogOp {
  readonly op: 'open_log';
  readonly slot: number;
  readonly path: string;
}

/** Runs a hook inside the container: `before` + own pid + `after` on stdin, its process group killed after `timeout_ms` (0 for no limit). Its outputs go to the files in `out` and `err`, or with slot 0 are captured. */
export interface HookOp {
  readonly op: 'hook';
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly before: string;
  readonly after: string;
  readonly timeoutMs: number;
  readonly inRoot: number;
  readonly out: number;
  readonly err: number;
}

/** Detaches the mount at `destination` of a running container, with everything below it. What is there must be the root of a mount, or the call fails with EINVAL. */
export interface RemoveMountOp {
  readonly op: 'remove_mount';
  readonly destination: string;
}

/** Opens the mount at `destination` of a container whose processes are there, and keeps it in `slot`. What is there must be the root of a mount, or the call fails with EINVAL. */
export interface OpenMountOp {
  readonly op: 'open_mount';
  readonly slot: number;
  readonly destination: string;
}

/** Detaches the mount on `path` with everything below it. */
export interface UnmountOp {
  readonly op: 'unmount';
  readonly path: string;
}

/** Makes the root descriptor the root of the mount namespace and detaches the old one. */
export interface PivotRootOp {
  readonly op: 'pivot_root';
}

/** Moves the root descriptor over the root of the mount namespace and makes it the process's root, where pivot_root cannot: on the initial ramfs. `attached` 1: it lies there already. `detach` 1: no mount of the host is shared any more, and all of them are detached; every procfs and sysfs that stays is covered. */
export interface MoveRootOp {
  readonly op: 'move_root';
  readonly attached: number;
  readonly detach: number;
}

/** Changes the root directory, where there is no mount namespace. */
export interface ChrootOp {
  readonly op: 'chroot';
}

/** Host name of the UTS namespace. */
export interface SetHostnameOp {
  readonly op: 'set_hostname';
  readonly name: string;
}

/** Domain name of the UTS namespace. */
export interface SetDomainnameOp {
  readonly op: 'set_domainname';
  readonly name: string;
}

/** Writes a kernel parameter below /proc/sys of a private procfs, or with `host` 1 of the runtime's, where the pid namespace belongs to a user namespace above: then no procfs can be made. */
export interface SysctlOp {
  readonly op: 'sysctl';
  readonly path: string;
  readonly value: string;
  readonly host: number;
}

/** Adjusts the OOM score of the process; `ignore` is an errno that does not count as a failure, 0 for none. */
export interface OomScoreAdjOp {
  readonly op: 'oom_score_adj';
  readonly value: number;
  readonly ignore: number;
}

/** Sets a resource limit. */
export interface RlimitOp {
  readonly op: 'rlimit';
  readonly resource: number;
  readonly soft: number | bigint;
  readonly hard: number | bigint;
}

/** CPUs that the process may run on, a bit for each, all of them when `cpus` is empty; those that the cpuset or the host lacks do not count. */
export interface CpuAffinityOp {
  readonly op: 'cpu_affinity';
  readonly cpus: Uint8Array;
}

/** Scheduling policy and its parameters, of init itself (`pid` 0) or, by the runtime, of a process that waits in await_scheduler: `policy` is SCHED_*, `flags` SCHED_FLAG_*, times in nanoseconds. */
export interface SchedulerOp {
  readonly op: 'scheduler';
  readonly pid: number;
  readonly policy: number;
  readonly flags: number | bigint;
  readonly nice: number;
  readonly priority: number;
  readonly runtime: number | bigint;
  readonly deadline: number | bigint;
  readonly period: number | bigint;
}

/** Stops until the runtime has set the scheduler of the process. For what fork(2) takes away or is refused for, and takes rights that are gone after the last fork. */
export interface AwaitSchedulerOp {
  readonly op: 'await_scheduler';
}

/** I/O scheduling class and priority, IOPRIO_PRIO_VALUE. */
export interface IoPriorityOp {
  readonly op: 'io_priority';
  readonly value: number;
}

/** Execution domain, PER_*. */
export interface PersonalityOp {
  readonly op: 'personality';
  readonly persona: number;
}

/** NUMA policy of the process: `mode` is MPOL_* with MPOL_F_*, `nodes` a bit for each memory node. */
export interface MemoryPolicyOp {
  readonly op: 'memory_policy';
  readonly mode: number;
  readonly nodes: Uint8Array;
}

/** Writes `value` to /proc/self/attr/`name` of a private procfs and reads it back: what the kernel answers must start with `expected`, when that is not empty. */
export interface SecurityAttributeOp {
  readonly op: 'security_attribute';
  readonly name: string;
  readonly value: string;
  readonly expected: string;
}

/** File mode creation mask. */
export interface UmaskOp {
  readonly op: 'umask';
  readonly mask: number;
}

/** Gives descriptors 0 to 2 to `uid`, so that /proc/self/fd/N can be reopened; `uid` is one of the user namespace in slot `user`, when that is not 0. With `null` 1 a host null device is replaced by the container's or, where that is gone, by one of its own; where none can be made, in a user namespace, it stays if nobody there can change it, else ENODEV. */
export interface StdioOwnerOp {
  readonly op: 'stdio_owner';
  readonly uid: number;
  readonly user: number;
  readonly null: number;
}

/** Drops every capability that is not in `keep` from the bounding set, up to `last`. */
export interface DropBoundingOp {
  readonly op: 'drop_bounding';
  readonly keep: number | bigint;
  readonly last: number;
}

/** Sets supplementary groups, gid and uid, keeping permitted capabilities for set_capabilities. `keep_groups` 1: setgroups(2) is forbidden in the user namespace; 2: it may be, which is no failure where no groups were asked for. */
export interface SetUserOp {
  readonly op: 'set_user';
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly keepGroups: number;
}

/** Sets effective, permitted, inheritable and ambient capabilities. */
export interface SetCapabilitiesOp {
  readonly op: 'set_capabilities';
  readonly effective: number | bigint;
  readonly permitted: number | bigint;
  readonly inheritable: number | bigint;
  readonly ambient: number | bigint;
}

/** Goes on as a child in the pid namespace joined before, with the same parent; nothing to do when none was, because it is the runtime's own. After the rights were dropped, so that nobody in that namespace ever sees a process with more of them than the container's. Closes first what find_program would close. */
export interface ForkInitOp {
  readonly op: 'fork_init';
}

/** Enters the working directory. `phase` 0: with the rights of the set-up, EACCES and EPERM are put off; 1: as the user, if phase 0 put it off. Then verifies that the directory is inside the root. */
export interface ChangeDirectoryOp {
  readonly op: 'change_directory';
  readonly path: string;
  readonly phase: number;
}

/** No execve gains privileges from now on. */
export interface NoNewPrivsOp {
  readonly op: 'no_new_privs';
}

/** Finds the program to run with the rights of the user: `name` as it is when it has a slash, else in the directories of `search` (the value of PATH), and keeps its path. Closes everything that is not needed from here on. */
export interface FindProgramOp {
  readonly op: 'find_program';
  readonly name: string;
  readonly search: string;
}

/** Looks the home directory of `uid` up in the container's /etc/passwd and gives the program `HOME` as its last variable; `/` when there is none. */
export interface FindHomeOp {
  readonly op: 'find_home';
  readonly uid: number;
}

/** Takes the filter, an array of struct sock_filter, that the runtime has compiled meanwhile: it comes over a socket of its own, the number of instructions (u32) in front. Loads it at once, or (`at_execve` 1) has each `hook` that follows and `exec` load it, as the last call before execve(2). */
export interface SeccompOp {
  readonly op: 'seccomp';
  readonly flags: number;
  readonly atExecve: number;
}

/** Connects to the stream socket at `path`, which will get the listener of the filter, and notes the number that the process has on the host. */
export interface SeccompReceiverOp {
  readonly op: 'seccomp_receiver';
  readonly path: string;
}

/** Loads the filter as seccomp does and sends its listener to the receiver: one message, the parts of `state` with the process's number between them, and the listener as its only descriptor. */
export interface SeccompNotifyOp {
  readonly op: 'seccomp_notify';
  readonly flags: number;
  readonly state: readonly string[];
}

/** Reports that everything is ready and waits for `start`: on the control socket (`how` 0) or for a connection to the listening socket (`how` 1). */
export interface AwaitStartOp {
  readonly op: 'await_start';
  readonly how: number;
}

/** Gives the program that `exec` runs the control socket as descriptor `first`, and those in `slots` after it. */
export interface PassDescriptorsOp {
  readonly op: 'pass_descriptors';
  readonly first: number;
  readonly slots: readonly number[];
}

/** Makes what is missing of the path of a mount point: a directory, or an empty file when `directory` is 0. */
export interface MakeMountPointOp {
  readonly op: 'make_mount_point';
  readonly path: string;
  readonly directory: number;
}

/** Default signal dispositions, empty signal mask, then the program found by find_program. */
export interface ExecOp {
  readonly op: 'exec';
  readonly args: readonly string[];
  readonly env: readonly string[];
}

export type Op =
  | CgroupCreateOp
  | CgroupEnableOp
  | WriteFileOp
  | WriteFilesOp
  | WriteFirstOp
  | CgroupDelegateOp
  | WriteDeviceRulesOp
  | DeviceProgramOp
  | ResctrlGroupOp
  | NetDeviceOp
  | RaiseLimitOp
  | UserNamespaceOp
  | CheckIdMapsOp
  | BecomeRootOp
  | OpenTreeOp
  | IdmapTreeOp
  | OpenTimeOffsetsOp
  | CloneInitOp
  | AwaitRuntimeOp
  | CgroupJoinOp
  | UnshareOp
  | NamespaceOpenOp
  | NamespaceJoinOp
  | TimeNamespaceOp
  | SessionKeyringOp
  | ContainerUserNamespaceOp
  | OpenProcessRootOp
  | JoinProcessOp
  | OutliveOp
  | LoopbackUpOp
  | SetPropagationOp
  | OpenRootOp
  | OpenRootDirectoryOp
  | HoldRootOp
  | MountFilesystemOp
  | MountBindOp
  | MountAttributesOp
  | MountPropagationOp
  | MakeDirectoryOp
  | MakeDeviceOp
  | BindDeviceOp
  | MakeLinkOp
  | TerminalOp
  | ConsoleOp
  | MaskPathOp
  | ReadonlyPathOp
  | HostHooksOp
  | OpenLogOp
  | HookOp
  | RemoveMountOp
  | OpenMountOp
  | UnmountOp
  | PivotRootOp
  | MoveRootOp
  | ChrootOp
  | SetHostnameOp
  | SetDomainnameOp
  | SysctlOp
  | OomScoreAdjOp
  | RlimitOp
  | CpuAffinityOp
  | SchedulerOp
  | AwaitSchedulerOp
  | IoPriorityOp
  | PersonalityOp
  | MemoryPolicyOp
  | SecurityAttributeOp
  | UmaskOp
  | StdioOwnerOp
  | DropBoundingOp
  | SetUserOp
  | SetCapabilitiesOp
  | ForkInitOp
  | ChangeDirectoryOp
  | NoNewPrivsOp
  | FindProgramOp
  | FindHomeOp
  | SeccompOp
  | SeccompReceiverOp
  | SeccompNotifyOp
  | AwaitStartOp
  | PassDescriptorsOp
  | MakeMountPointOp
  | ExecOp;

export type FieldKind = 'u32' | 'i32' | 'u64' | 'str' | 'bytes' | 'strs' | 'u32s' | 'slot';

export interface OpCodec {
  readonly code: number;
  readonly group: 'host' | 'stage' | 'init';
  /** The system calls it makes, as man pages name them. */
  readonly call: string;
  readonly fields: readonly (readonly [name: string, kind: FieldKind])[];
}

export const PROGRAM_VERSION = 2;

export const SLOTS = 1024;

export const OP_CODECS: Readonly<Record<Op['op'], OpCodec>> = {
  cgroup_create: {
    code: 0,
    group: 'host',
    call: 'openat2(2), mkdirat(2)',
    fields: [
      ['hierarchy', 'str'],
      ['path', 'str'],
      ['inherit', 'strs'],
    ],
  },
  cgroup_enable: {
    code: 1,
    group: 'host',
    call: 'write(2)',
    fields: [
      ['hierarchy', 'str'],
      ['path', 'str'],
      ['required', 'strs'],
      ['optional', 'strs'],
    ],
  },
  write_file: {
    code: 2,
    group: 'host',
    call: 'open(2), write(2)',
    fields: [
      ['path', 'str'],
      ['data', 'str'],
      ['ignore', 'u32'],
    ],
  },
  write_files: {
    code: 3,
    group: 'host',
    call: 'open(2), write(2)',
    fields: [
      ['paths', 'strs'],
      ['data', 'strs'],
    ],
  },
  write_first: {
    code: 4,
    group: 'host',
    call: 'open(2), write(2)',
    fields: [
      ['paths', 'strs'],
      ['data', 'strs'],
    ],
  },
  cgroup_delegate: {
    code: 5,
    group: 'host',
    call: 'fchownat(2)',
    fields: [
      ['directory', 'str'],
      ['files', 'strs'],
      ['uid', 'u32'],
    ],
  },
  write_device_rules: {
    code: 6,
    group: 'host',
    call: 'write(2)',
    fields: [
      ['directory', 'str'],
      ['rules', 'strs'],
    ],
  },
  device_program: {
    code: 7,
    group: 'host',
    call: 'bpf(2)',
    fields: [
      ['directory', 'str'],
      ['program', 'bytes'],
    ],
  },
  resctrl_group: {
    code: 8,
    group: 'host',
    call: 'mkdir(2)',
    fields: [
      ['path', 'str'],
      ['mustExist', 'u32'],
    ],
  },
  net_device: {
    code: 9,
    group: 'host',
    call: 'rtnetlink(7)',
    fields: [
      ['namespace', 'str'],
      ['name', 'str'],
      ['newName', 'str'],
      ['back', 'u32'],
      ['state', 'bytes'],
    ],
  },
  raise_limit: {
    code: 10,
    group: 'stage',
    call: 'prlimit(2)',
    fields: [
      ['resource', 'u32'],
      ['hard', 'u64'],
    ],
  },
  user_namespace: {
    code: 11,
    group: 'stage',
    call: 'clone3(2), user_namespaces(7), newuidmap(1)',
    fields: [
      ['slot', 'slot'],
      ['uidMap', 'str'],
      ['gidMap', 'str'],
      ['denySetgroups', 'u32'],
      ['uidTool', 'str'],
      ['gidTool', 'str'],
      ['dumpable', 'u32'],
      ['unguessable', 'u32'],
    ],
  },
  check_id_maps: {
    code: 12,
    group: 'stage',
    call: 'user_namespaces(7)',
    fields: [
      ['uidMap', 'str'],
      ['gidMap', 'str'],
    ],
  },
  become_root: {
    code: 13,
    group: 'stage',
    call: 'setgroups(2), setresgid(2), setresuid(2)',
    fields: [['groups', 'u32']],
  },
  open_tree: {
    code: 14,
    group: 'stage',
    call: 'openat2(2), open_tree(2), mount_setattr(2)',
    fields: [
      ['slot', 'slot'],
      ['path', 'str'],
      ['flags', 'u32'],
      ['propagation', 'u32'],
    ],
  },
  idmap_tree: {
    code: 15,
    group: 'stage',
    call: 'mount_setattr(2)',
    fields: [
      ['slot', 'slot'],
      ['namespace', 'slot'],
      ['recursive', 'u32'],
    ],
  },
  open_time_offsets: { code: 16, group: 'stage', call: 'time_namespaces(7)', fields: [['slot', 'slot']] },
  clone_init: { code: 17, group: 'stage', call: 'clone3(2), setsid(2)', fields: [['flags', 'u32']] },
  await_runtime: { code: 18, group: 'init', call: 'read(2)', fields: [] },
  cgroup_join: { code: 19, group: 'init', call: 'write(2)', fields: [['file', 'str']] },
  unshare: { code: 20, group: 'init', call: 'unshare(2)', fields: [['flags', 'u32']] },
  namespace_open: {
    code: 21,
    group: 'init',
    call: 'openat(2), ioctl_ns(2)',
    fields: [
      ['slot', 'slot'],
      ['path', 'str'],
      ['type', 'u32'],
      ['need', 'str'],
    ],
  },
  namespace_join: {
    code: 22,
    group: 'init',
    call: 'setns(2)',
    fields: [
      ['slot', 'slot'],
      ['type', 'u32'],
      ['user', 'slot'],
      ['keep', 'u32'],
    ],
  },
  time_namespace: {
    code: 23,
    group: 'init',
    call: 'unshare(2), time_namespaces(7), setns(2)',
    fields: [
      ['offsets', 'str'],
      ['slot', 'slot'],
    ],
  },
  session_keyring: {
    code: 24,
    group: 'init',
    call: 'keyctl(2)',
    fields: [
      ['name', 'str'],
      ['permission', 'u32'],
    ],
  },
  container_user_namespace: {
    code: 25,
    group: 'init',
    call: 'ioctl_ns(2), pidfd_send_signal(2)',
    fields: [
      ['slot', 'slot'],
      ['path', 'str'],
      ['child', 'u32'],
      ['device', 'u64'],
      ['inode', 'u64'],
    ],
  },
  open_process_root: { code: 26, group: 'init', call: 'openat2(2), pidfd_send_signal(2)', fields: [['path', 'str']] },
  join_process: {
    code: 27,
    group: 'init',
    call: 'setns(2), pidfd_open(2), ioctl_ns(2)',
    fields: [
      ['flags', 'u32'],
      ['user', 'slot'],
      ['ownerDevice', 'u64'],
      ['ownerInode', 'u64'],
    ],
  },
  outlive: {
    code: 28,
    group: 'init',
    call: 'clone3(2), setsid(2), ioctl_tty(2)',
    fields: [
      ['fork', 'u32'],
      ['apart', 'u32'],
      ['terminal', 'u32'],
    ],
  },
  loopback_up: { code: 29, group: 'init', call: 'netdevice(7)', fields: [] },
  set_propagation: {
    code: 30,
    group: 'init',
    call: 'mount_setattr(2)',
    fields: [
      ['type', 'u32'],
      ['recursive', 'u32'],
    ],
  },
  open_root: {
    code: 31,
    group: 'init',
    call: 'open_tree(2), mount_setattr(2), move_mount(2)',
    fields: [
      ['path', 'str'],
      ['type', 'u32'],
      ['isolate', 'u32'],
      ['tree', 'slot'],
    ],
  },
  open_root_directory: { code: 32, group: 'init', call: 'openat(2)', fields: [['path', 'str']] },
  hold_root: {
    code: 33,
    group: 'init',
    call: 'open_tree(2), mount_setattr(2), move_mount(2)',
    fields: [['path', 'str']],
  },
  mount_filesystem: {
    code: 34,
    group: 'init',
    call: 'fsopen(2), fsconfig(2), fsmount(2), move_mount(2), mount(2)',
    fields: [
      ['slot', 'slot'],
      ['destination', 'str'],
      ['type', 'str'],
      ['source', 'str'],
      ['options', 'strs'],
      ['attributes', 'u64'],
      ['flags', 'u32'],
      ['pidNamespace', 'slot'],
    ],
  },
  mount_bind: {
    code: 35,
    group: 'init',
    call: 'open_tree(2), mount_setattr(2), move_mount(2)',
    fields: [
      ['slot', 'slot'],
      ['source', 'str'],
      ['destination', 'str'],
      ['set', 'u64'],
      ['clear', 'u64'],
      ['recursiveSet', 'u64'],
      ['recursiveClear', 'u64'],
      ['flags', 'u32'],
      ['tree', 'slot'],
    ],
  },
  mount_attributes: {
    code: 36,
    group: 'init',
    call: 'mount_setattr(2)',
    fields: [
      ['slot', 'slot'],
      ['set', 'u64'],
      ['clear', 'u64'],
      ['recursive', 'u32'],
    ],
  },
  mount_propagation: {
    code: 37,
    group: 'init',
    call: 'mount_setattr(2)',
    fields: [
      ['slot', 'slot'],
      ['type', 'u32'],
      ['recursive', 'u32'],
    ],
  },
  make_directory: {
    code: 38,
    group: 'init',
    call: 'openat2(2), mkdirat(2)',
    fields: [
      ['path', 'str'],
      ['mode', 'u32'],
    ],
  },
  make_device: {
    code: 39,
    group: 'init',
    call: 'mknodat(2), fchownat(2), fchmodat2(2)',
    fields: [
      ['path', 'str'],
      ['mode', 'u32'],
      ['major', 'u32'],
      ['minor', 'u32'],
      ['uid', 'u32'],
      ['gid', 'u32'],
    ],
  },
  bind_device: {
    code: 40,
    group: 'init',
    call: 'open_tree(2), statx(2), move_mount(2)',
    fields: [
      ['tree', 'slot'],
      ['source', 'str'],
      ['path', 'str'],
      ['mode', 'u32'],
      ['major', 'u32'],
      ['minor', 'u32'],
    ],
  },
  make_link: {
    code: 41,
    group: 'init',
    call: 'symlinkat(2)',
    fields: [
      ['path', 'str'],
      ['target', 'str'],
    ],
  },
  terminal: {
    code: 42,
    group: 'init',
    call: 'ioctl_tty(2), unix(7)',
    fields: [
      ['width', 'u32'],
      ['height', 'u32'],
      ['controlling', 'u32'],
    ],
  },
  console: { code: 43, group: 'init', call: 'openat(2), open_tree(2), move_mount(2)', fields: [['path', 'str']] },
  mask_path: { code: 44, group: 'init', call: 'open_tree(2), move_mount(2)', fields: [['path', 'str']] },
  readonly_path: {
    code: 45,
    group: 'init',
    call: 'open_tree(2), mount_setattr(2), move_mount(2)',
    fields: [['path', 'str']],
  },
  host_hooks: { code: 46, group: 'init', call: 'send(2), recv(2)', fields: [] },
  open_log: {
    code: 47,
    group: 'init',
    call: 'openat2(2)',
    fields: [
      ['slot', 'slot'],
      ['path', 'str'],
    ],
  },
  hook: {
    code: 48,
    group: 'init',
    call: 'execve(2)',
    fields: [
      ['path', 'str'],
      ['args', 'strs'],
      ['env', 'strs'],
      ['before', 'str'],
      ['after', 'str'],
      ['timeoutMs', 'u32'],
      ['inRoot', 'u32'],
      ['out', 'slot'],
      ['err', 'slot'],
    ],
  },
  remove_mount: { code: 49, group: 'init', call: 'openat2(2), statx(2), umount2(2)', fields: [['destination', 'str']] },
  open_mount: {
    code: 50,
    group: 'init',
    call: 'openat2(2), statx(2)',
    fields: [
      ['slot', 'slot'],
      ['destination', 'str'],
    ],
  },
  unmount: { code: 51, group: 'host', call: 'umount2(2)', fields: [['path', 'str']] },
  pivot_root: { code: 52, group: 'init', call: 'pivot_root(2), umount2(2)', fields: [] },
  move_root: {
    code: 53,
    group: 'init',
    call: 'move_mount(2), umount2(2), chroot(2)',
    fields: [
      ['attached', 'u32'],
      ['detach', 'u32'],
    ],
  },
  chroot: { code: 54, group: 'init', call: 'chroot(2)', fields: [] },
  set_hostname: { code: 55, group: 'init', call: 'sethostname(2)', fields: [['name', 'str']] },
  set_domainname: { code: 56, group: 'init', call: 'setdomainname(2)', fields: [['name', 'str']] },
  sysctl: {
    code: 57,
    group: 'init',
    call: 'openat2(2), write(2)',
    fields: [
      ['path', 'str'],
      ['value', 'str'],
      ['host', 'u32'],
    ],
  },
  oom_score_adj: {
    code: 58,
    group: 'init',
    call: 'proc_pid_oom_score_adj(5)',
    fields: [
      ['value', 'i32'],
      ['ignore', 'u32'],
    ],
  },
  rlimit: {
    code: 59,
    group: 'init',
    call: 'prlimit(2)',
    fields: [
      ['resource', 'u32'],
      ['soft', 'u64'],
      ['hard', 'u64'],
    ],
  },
  cpu_affinity: { code: 60, group: 'init', call: 'sched_setaffinity(2)', fields: [['cpus', 'bytes']] },
  scheduler: {
    code: 61,
    group: 'host',
    call: 'sched_setattr(2)',
    fields: [
      ['pid', 'u32'],
      ['policy', 'u32'],
      ['flags', 'u64'],
      ['nice', 'i32'],
      ['priority', 'u32'],
      ['runtime', 'u64'],
      ['deadline', 'u64'],
      ['period', 'u64'],
    ],
  },
  await_scheduler: { code: 62, group: 'init', call: 'read(2)', fields: [] },
  io_priority: { code: 63, group: 'init', call: 'ioprio_set(2)', fields: [['value', 'u32']] },
  personality: { code: 64, group: 'init', call: 'personality(2)', fields: [['persona', 'u32']] },
  memory_policy: {
    code: 65,
    group: 'init',
    call: 'set_mempolicy(2)',
    fields: [
      ['mode', 'u32'],
      ['nodes', 'bytes'],
    ],
  },
  security_attribute: {
    code: 66,
    group: 'init',
    call: 'proc_pid_attr(5)',
    fields: [
      ['name', 'str'],
      ['value', 'str'],
      ['expected', 'str'],
    ],
  },
  umask: { code: 67, group: 'init', call: 'umask(2)', fields: [['mask', 'u32']] },
  stdio_owner: {
    code: 68,
    group: 'init',
    call: 'fchown(2)',
    fields: [
      ['uid', 'u32'],
      ['user', 'slot'],
      ['null', 'u32'],
    ],
  },
  drop_bounding: {
    code: 69,
    group: 'init',
    call: 'prctl(2)',
    fields: [
      ['keep', 'u64'],
      ['last', 'u32'],
    ],
  },
  set_user: {
    code: 70,
    group: 'init',
    call: 'setgroups(2), setresgid(2), setresuid(2)',
    fields: [
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['groups', 'u32s'],
      ['keepGroups', 'u32'],
    ],
  },
  set_capabilities: {
    code: 71,
    group: 'init',
    call: 'capset(2), prctl(2)',
    fields: [
      ['effective', 'u64'],
      ['permitted', 'u64'],
      ['inheritable', 'u64'],
      ['ambient', 'u64'],
    ],
  },
  fork_init: { code: 72, group: 'init', call: 'clone(2)', fields: [] },
  change_directory: {
    code: 73,
    group: 'init',
    call: 'chdir(2), getcwd(2)',
    fields: [
      ['path', 'str'],
      ['phase', 'u32'],
    ],
  },
  no_new_privs: { code: 74, group: 'init', call: 'prctl(2)', fields: [] },
  find_program: {
    code: 75,
    group: 'init',
    call: 'close_range(2), faccessat2(2)',
    fields: [
      ['name', 'str'],
      ['search', 'str'],
    ],
  },
  find_home: { code: 76, group: 'init', call: 'openat2(2), read(2)', fields: [['uid', 'u32']] },
  seccomp: {
    code: 77,
    group: 'init',
    call: 'read(2), seccomp(2)',
    fields: [
      ['flags', 'u32'],
      ['atExecve', 'u32'],
    ],
  },
  seccomp_receiver: { code: 78, group: 'init', call: 'connect(2)', fields: [['path', 'str']] },
  seccomp_notify: {
    code: 79,
    group: 'init',
    call: 'seccomp(2), sendmsg(2)',
    fields: [
      ['flags', 'u32'],
      ['state', 'strs'],
    ],
  },
  await_start: { code: 80, group: 'init', call: 'recv(2), accept4(2)', fields: [['how', 'u32']] },
  pass_descriptors: {
    code: 81,
    group: 'init',
    call: 'dup3(2)',
    fields: [
      ['first', 'u32'],
      ['slots', 'u32s'],
    ],
  },
  make_mount_point: {
    code: 82,
    group: 'init',
    call: 'openat2(2), mkdirat(2)',
    fields: [
      ['path', 'str'],
      ['directory', 'u32'],
    ],
  },
  exec: {
    code: 83,
    group: 'init',
    call: 'execve(2)',
    fields: [
      ['args', 'strs'],
      ['env', 'strs'],
    ],
  },
};
