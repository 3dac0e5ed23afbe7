// Generated from schema/ops.json by schema/build/ops.ts; do not edit.

/** Makes a cgroup and its missing ancestors below a hierarchy's mount point; fails with ENOTEMPTY when it exists and has processes, with EDEADLK when it or an ancestor is frozen. On cpuset, fills the empty files named in `inherit` from the parent, top down. */
export interface CgroupCreateOp {
  readonly op: 'cgroup_create';
  readonly hierarchy: string;
  readonly path: string;
  readonly inherit: readonly string[];
}

/** Enables controllers in `cgroup.subtree_control` of every ancestor of a v2 cgroup, from the mount point down. Fails if an ancestor cannot enable one of `required`; one of `optional` is skipped. */
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

/** Writes each element of `data` to the file at the same index of `paths`, as write_file does. A write that fails with EINVAL is repeated after the others: settings that bound each other are accepted in one order only, which depends on their old values. */
export interface WriteFilesOp {
  readonly op: 'write_files';
  readonly paths: readonly string[];
  readonly data: readonly string[];
}

/** Writes to the first existing file of `paths` the element of `data` at the same index, as write_file does. */
export interface WriteFirstOp {
  readonly op: 'write_first';
  readonly paths: readonly string[];
  readonly data: readonly string[];
}

/** Gives a v2 cgroup, and those of `files` that exist in it, to `uid`, who may then distribute it among children. */
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

/** Loads `program`, eBPF instructions of type BPF_PROG_TYPE_CGROUP_DEVICE, attaches it to a v2 cgroup, verifies with the kernel that it is attached, and detaches those that an earlier operation of this kind attached. An empty program only detaches. */
export interface DeviceProgramOp {
  readonly op: 'device_program';
  readonly directory: string;
  readonly program: Uint8Array;
}

/** Makes a resctrl group, or with `must_exist` 1 verifies that it exists. */
export interface ResctrlGroupOp {
  readonly op: 'resctrl_group';
  readonly path: string;
  readonly mustExist: number;
}

/** Moves the device `name` from the runtime's network namespace to the one at `namespace` (that of the container's init, known only after the clone), as `new_name`, with its permanent addresses of global scope, and brings it up. `back` 1 does the reverse and restores the settings in `state`. */
export interface NetDeviceOp {
  readonly op: 'net_device';
  readonly namespace: string;
  readonly name: string;
  readonly newName: string;
  readonly back: number;
  readonly state: Uint8Array;
}

/** Raises the hard resource limit to `hard` if it is lower, and keeps the soft one: in a user namespace init can only lower it. */
export interface RaiseLimitOp {
  readonly op: 'raise_limit';
  readonly resource: number;
  readonly hard: number | bigint;
}

/** Makes a user namespace with the maps given as lines `inside outside size` and keeps it in `slot`. The maps are written directly, or by the programs `uid_tool` and `gid_tool` if these are not empty. `deny_setgroups` 1 forbids setgroups(2) in it first, which the kernel requires before an unprivileged user may write a gid map. `dumpable` 1: the writer is an unprivileged runtime, which owns a process's files in /proc only while that process is dumpable. `unguessable` 1: the owner of the namespace is a random user id of 2147483648 or above, if the user namespace of the process has such an id; 0: the current user. */
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

/** Compares the maps of the current user namespace with lines `inside outside size`: EINVAL if they differ. */
export interface CheckIdMapsOp {
  readonly op: 'check_id_maps';
  readonly uidMap: string;
  readonly gidMap: string;
}

/** Becomes uid 0 and gid 0 of the user namespace, without supplementary groups. */
export interface BecomeRootOp {
  readonly op: 'become_root';
  readonly groups: number;
}

/** Clones the mount at `path` with the privileges of the runtime, detached, and keeps it in `slot`. `propagation` (0: unchanged) is set on the whole tree. */
export interface OpenTreeOp {
  readonly op: 'open_tree';
  readonly slot: number;
  readonly path: string;
  readonly flags: number;
  readonly propagation: number;
}

/** Makes the filesystem on the block device `source`, configured with `options`, as a detached mount with `attributes`, and keeps it in `slot`. The process is not yet in the cgroup of the container, whose device rules are for its program. */
export interface OpenFilesystemOp {
  readonly op: 'open_filesystem';
  readonly slot: number;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  readonly attributes: number | bigint;
}

/** Maps the file owners of the detached mount in `slot` through the user namespace in `namespace`; `recursive`: also those of the mounts below it. */
export interface IdmapTreeOp {
  readonly op: 'idmap_tree';
  readonly slot: number;
  readonly namespace: number;
  readonly recursive: number;
}

/** Opens the clock offsets file of the time namespace that will be made, while the runtime's user still owns it, and keeps it in `slot`. */
export interface OpenTimeOffsetsOp {
  readonly op: 'open_time_offsets';
  readonly slot: number;
}

/** Continues as a child, the container's init, in new namespaces `flags` (CLONE_NEW*, including a pid namespace), with the same parent and in a new session. */
export interface CloneInitOp {
  readonly op: 'clone_init';
  readonly flags: number;
}

/** Waits until systemd has put the process into its unit. */
export interface AwaitUnitOp {
  readonly op: 'await_unit';
}

/** Waits until the runtime has made the cgroups that are joined next. */
export interface AwaitCgroupsOp {
  readonly op: 'await_cgroups';
}

/** Waits until the runtime has set the limits that apply from here on. */
export interface AwaitLimitsOp {
  readonly op: 'await_limits';
}

/** Moves the calling, single-threaded process by writing 0 to `file`: unlike `cgroup.procs`, a v1 `tasks` file takes no lock that waits for RCU. */
export interface CgroupJoinOp {
  readonly op: 'cgroup_join';
  readonly file: string;
}

/** Makes new namespaces: those that clone left to init, or the cgroup namespace, whose root is the cgroup joined before. */
export interface UnshareOp {
  readonly op: 'unshare';
  readonly flags: number;
}

/** Opens a namespace file and verifies that it is a namespace of type `type` (a CLONE_NEW* flag). The current pid namespace is not kept, since there is nothing to join. `need` is the reason why it must not be the process's current namespace by any path, which fails with EEXIST; empty: it may be. */
export interface NamespaceOpenOp {
  readonly op: 'namespace_open';
  readonly slot: number;
  readonly path: string;
  readonly type: number;
  readonly need: string;
}

/** Joins the namespace opened in `slot`, unless it was joined before. One owned by the user namespace in `user` (0: none) is skipped until the process is in that user namespace. `keep` 1: the descriptor is needed again. */
export interface NamespaceJoinOp {
  readonly op: 'namespace_join';
  readonly slot: number;
  readonly type: number;
  readonly user: number;
  readonly keep: number;
}

/** Makes a time namespace, writes `offsets` (lines `clock seconds nanoseconds`) and enters it: otherwise only children would be in it. `slot` has the file that open_time_offsets opened, 0 for none. */
export interface TimeNamespaceOp {
  readonly op: 'time_namespace';
  readonly offsets: string;
  readonly slot: number;
}

/** Joins a new session keyring called `name` and adds `permission`, which lets its user or others search it. */
export interface SessionKeyringOp {
  readonly op: 'session_keyring';
  readonly name: string;
  readonly permission: number;
}

/** Keeps in `slot` the user namespace that the container had at create: that of its init at `path`, or an ancestor, which init may have left for one that it made itself. It is identified by `device` and `inode` or, with `child` 1, by those of its parent. ESTALE: there is none. */
export interface ContainerUserNamespaceOp {
  readonly op: 'container_user_namespace';
  readonly slot: number;
  readonly path: string;
  readonly child: number;
  readonly device: number | bigint;
  readonly inode: number | bigint;
}

/** Opens the root directory of the container's init, at `path` in the procfs of the host: a container that shares the host's mount namespace has no other root to join. */
export interface OpenProcessRootOp {
  readonly op: 'open_process_root';
  readonly path: string;
}

/** Joins the namespaces `flags` (CLONE_NEW*) of the container's init, all in one step, and the user namespace in `user` (0: none): before them if the kernel grants no capabilities over them otherwise, else after them. The mount namespace must be owned by the user namespace identified by `owner_device` and `owner_inode` (0: the one in `user`), else ESTALE: init has moved to one that it made itself. */
export interface JoinProcessOp {
  readonly op: 'join_process';
  readonly flags: number;
  readonly user: number;
  readonly ownerDevice: number | bigint;
  readonly ownerInode: number | bigint;
}

/** From now on the process survives the runtime. Closes the descriptors that find_program would close. `fork` 1: it continues as another child of the runtime, in a new session, which enters the pid namespace. If a pids limit does not allow both (EAGAIN), the runtime moves the process to another cgroup and the child back; a move is not limited. `apart` 1: it is already in another cgroup. `terminal` 1: descriptor 0 becomes its controlling terminal. */
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

/** Enters the mount namespace of the kernel thread whose directory in /proc is `thread`, which sees nothing but a devtmpfs; its copy, made next, becomes that of the container: beside thousands of mounts of the host it is made much faster than a copy of theirs. ESTALE if that is no kernel thread, or its namespace is not as expected: owned by the user namespace of the process, with nothing but a devtmpfs. What later operations need of the host is opened before. */
export interface EnterMountNamespaceOp {
  readonly op: 'enter_mount_namespace';
  readonly thread: string;
}

/** After a copy of the mount namespace that is copied again for a user namespace: replaces the root with an empty read-only tmpfs, and attaches the trees in the slots to `/proc` and `/sys` of that, and those of `trees` to `/0`, `/1` and so on. The null device that masks files is attached, too. In a user namespace the kernel mounts a procfs or sysfs only if its mount namespace, when it was copied, showed as much of one; what is copied keeps its flags and what it covers. */
export interface MountLockedOp {
  readonly op: 'mount_locked';
  readonly proc: number;
  readonly sys: number;
  readonly trees: readonly number[];
}

/** Fills the slots in `trees` with clones of the mounts at `/0`, `/1` and so on, where mount_locked has attached them, and the null device with one of its mount. */
export interface CloneLockedOp {
  readonly op: 'clone_locked';
  readonly trees: readonly number[];
}

/** Replaces the trees in the slots with copies that the kernel has locked for the user namespace in `user`, as mount_locked and clone_locked do for a new container, in a process of its own: a container that runs can neither change their flags nor uncover what they cover. */
export interface LockTreesOp {
  readonly op: 'lock_trees';
  readonly user: number;
  readonly trees: readonly number[];
}

/** After enter_mount_namespace: fails with ELOOP if a namespace is pinned to a file of a mount. Of a mount namespace, a copy of the host's mounts would not have had it. */
export interface RefusePinnedOp {
  readonly op: 'refuse_pinned';
}

/** Sets the propagation of the mount at `/`: `type` is MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE. */
export interface SetPropagationOp {
  readonly op: 'set_propagation';
  readonly type: number;
  readonly recursive: number;
}

/** Clones the mount tree at the rootfs, gives its top the propagation `type`, attaches it over itself and keeps the descriptor: every later path in the container is resolved below it. `isolate` first makes the mount that holds the rootfs private, as a shared one must be. A tree that the stage opened in `tree` (0: none) is attached over the root of the mount namespace instead, so that its path need not be reachable. */
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

/** Attaches a private clone of the rootfs over itself in the mount namespace of the runtime, to hold the container's mounts, and keeps the descriptor. For a container that has mounts but shares that namespace. */
export interface HoldRootOp {
  readonly op: 'hold_root';
  readonly path: string;
}

/** Mounts a new filesystem: the context is configured with `options` (`key` or `key=value`), the mount is made detached with `attributes` and attached to `destination`, which is made if missing. A procfs shows the pid namespace in `pid_namespace` (0: the current one). Before Linux 6.18 a child that init makes there opens it, and briefly has the privileges of init. With an option of more than 255 bytes, which fsconfig does not accept, it is mounted in place. A mount that the stage made in `tree` (0: none) is attached as it is. The mount's descriptor is kept in `slot`. */
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
  readonly tree: number;
}

/** Binds `source`, which the stage may have opened in `tree` (0: it has not), on `destination`, which is made if missing (a directory, or an empty file for any other source). `set` and `clear` are MOUNT_ATTR_* bits of the top mount, `recursive_set` and `recursive_clear` of every mount of the tree. The mount's descriptor is kept in `slot`. */
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

/** Sets the propagation of the mount kept in `slot`. */
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

/** Makes a device node or fifo; an existing one must have the same type and number, and keeps its mode and owner if it is a mount or, with `keep` 1, in one that is not the root. `mode` holds the S_IF* type. */
export interface MakeDeviceOp {
  readonly op: 'make_device';
  readonly path: string;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
  readonly keep: number;
}

/** Binds the device node `source` of the host, which the stage may have opened in `tree` (0: it has not), on `path`, with ro, nosuid and noexec, for a container whose user namespace does not let it make one. A node on a read-only mount can be written, but its owner and mode cannot be changed. Fails with ENODEV if it does not have the type and number given. */
export interface BindDeviceOp {
  readonly op: 'bind_device';
  readonly tree: number;
  readonly source: string;
  readonly path: string;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** Makes a symbolic link; an existing name is not changed. With `exact` 1 it must be that link, else EEXIST. */
export interface MakeLinkOp {
  readonly op: 'make_link';
  readonly path: string;
  readonly target: string;
  readonly exact: number;
}

/** Opens a new terminal in the devpts instance at `/dev/pts` of the container, gives it `width` and `height` unless one is 0, sends its master to the runtime, waits until the runtime has passed it on, and makes the slave descriptors 0 to 2 and, with `controlling` 1, the controlling terminal. */
export interface TerminalOp {
  readonly op: 'terminal';
  readonly width: number;
  readonly height: number;
  readonly controlling: number;
}

/** Binds the terminal at descriptor 0 on `path`, which is made as an empty file if missing. */
export interface ConsoleOp {
  readonly op: 'console';
  readonly path: string;
}

/** Hides a path: an empty read-only directory is bound on a directory, the null device on anything else; a missing path needs no mask. */
export interface MaskPathOp {
  readonly op: 'mask_path';
  readonly path: string;
}

/** Makes a path read-only by a read-only recursive bind of itself; a missing path is skipped. */
export interface ReadonlyPathOp {
  readonly op: 'readonly_path';
  readonly path: string;
}

/** Waits, after the mounts, until the runtime has moved network devices and the hooks of the runtime namespace have run. */
export interface AwaitHooksOp {
  readonly op: 'await_hooks';
}

/** Opens the regular file `path` for appending, makes it if missing, and keeps it in `slot`. */
export interface OpenLogOp {
  readonly op: 'open_log';
  readonly slot: number;
  readonly path: string;
}

/** Runs a hook inside the container: `before` + own pid + `after` on stdin, its process group is killed after `timeout_ms` (0 for no limit). With `add_home` 1, the `HOME` that find_home found is added to `env`. Its output goes to the files in `out` and `err`; with slot 0 it is captured. */
export interface HookOp {
  readonly op: 'hook';
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly before: string;
  readonly after: string;
  readonly timeoutMs: number;
  readonly inRoot: number;
  readonly addHome: number;
  readonly out: number;
  readonly err: number;
}

/** Detaches the mount at `destination` of a running container, with everything below it. Fails with EINVAL if that is not the root of a mount. */
export interface RemoveMountOp {
  readonly op: 'remove_mount';
  readonly destination: string;
}

/** Opens the mount at `destination` of a container whose processes exist, and keeps it in `slot`. Fails with EINVAL if that is not the root of a mount. */
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

/** Moves the root descriptor over the root of the mount namespace and makes it the process's root, where pivot_root fails: on the initial ramfs. `detach` 1: the host's mounts are no longer shared, and all of them are detached; every remaining procfs and sysfs is covered. */
export interface MoveRootOp {
  readonly op: 'move_root';
  readonly detach: number;
}

/** Changes the root directory of a container without a mount namespace. */
export interface ChrootOp {
  readonly op: 'chroot';
}

/** Sets the host name of the UTS namespace. */
export interface SetHostnameOp {
  readonly op: 'set_hostname';
  readonly name: string;
}

/** Sets the domain name of the UTS namespace. */
export interface SetDomainnameOp {
  readonly op: 'set_domainname';
  readonly name: string;
}

/** Writes a kernel parameter below /proc/sys of a private procfs, or, with `host` 1, of the runtime's, if an ancestor user namespace owns the pid namespace: then no procfs can be made. */
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

/** Sets the CPUs that the process may run on: one bit for each, all of them if `cpus` is empty. CPUs that the cpuset or the host lacks are ignored. */
export interface CpuAffinityOp {
  readonly op: 'cpu_affinity';
  readonly cpus: Uint8Array;
}

/** Sets the scheduling policy and its parameters of init itself (`pid` 0) or, by the runtime, of a process that waits in await_scheduler: `policy` is SCHED_*, `flags` SCHED_FLAG_*, times in nanoseconds. */
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

/** Waits until the runtime has set the scheduler of the process. For policies that a child does not inherit, or that forbid fork(2), and that need capabilities which are dropped before the last fork. */
export interface AwaitSchedulerOp {
  readonly op: 'await_scheduler';
}

/** Sets the I/O scheduling class and priority, IOPRIO_PRIO_VALUE. */
export interface IoPriorityOp {
  readonly op: 'io_priority';
  readonly value: number;
}

/** Sets the execution domain, PER_*. */
export interface PersonalityOp {
  readonly op: 'personality';
  readonly persona: number;
}

/** Sets the NUMA policy of the process: `mode` is MPOL_* with MPOL_F_*, `nodes` has one bit for each memory node. */
export interface MemoryPolicyOp {
  readonly op: 'memory_policy';
  readonly mode: number;
  readonly nodes: Uint8Array;
}

/** Writes `value` to /proc/self/attr/`name` of a private procfs and reads it back: the value read must start with `expected`, unless that is empty. A process that is in a pid namespace of others may not make a procfs, and uses that on /proc. */
export interface SecurityAttributeOp {
  readonly op: 'security_attribute';
  readonly name: string;
  readonly value: string;
  readonly expected: string;
}

/** Sets the file mode creation mask. */
export interface UmaskOp {
  readonly op: 'umask';
  readonly mask: number;
}

/** Gives descriptors 0 to 2 to `uid`, so that /proc/self/fd/N can be reopened; `uid` is an id in the user namespace in slot `user`, if that is not 0. With `null` 1 a null device of the host is replaced by the container's or, if that is gone, by a new one. If none can be made, in a user namespace, the host's is kept if nobody there can change it, else ENODEV. */
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

/** Sets supplementary groups, gid and uid, keeping permitted capabilities for set_capabilities. */
export interface SetUserOp {
  readonly op: 'set_user';
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly keepGroups: number;
}

/** Sets effective, permitted, inheritable and ambient capabilities. What this process does not have is left out, and reported with what drop_bounding has missed. */
export interface SetCapabilitiesOp {
  readonly op: 'set_capabilities';
  readonly effective: number | bigint;
  readonly permitted: number | bigint;
  readonly inheritable: number | bigint;
  readonly ambient: number | bigint;
}

/** Continues as a child in the pid namespace joined before, with the same parent; does nothing if none was joined because it is the runtime's own. Runs after the capabilities were dropped, so that no process in that namespace ever sees one with more capabilities than the container's. First closes the descriptors that find_program would close. */
export interface ForkInitOp {
  readonly op: 'fork_init';
}

/** Enters the working directory, then verifies that the directory is inside the root. */
export interface ChangeDirectoryOp {
  readonly op: 'change_directory';
  readonly path: string;
  readonly phase: number;
}

/** No later execve gains privileges. */
export interface NoNewPrivsOp {
  readonly op: 'no_new_privs';
}

/** Finds the program to run with the credentials of the user, and keeps its path: `name` itself if it contains a slash, else in the directories of `search` (the value of PATH). Closes all descriptors that are no longer needed. */
export interface FindProgramOp {
  readonly op: 'find_program';
  readonly name: string;
  readonly search: string;
}

/** Looks the home directory of `uid` up in the container's /etc/passwd and sets it as `HOME`, the last variable of the program; `/` if there is none. A file that cannot be searched is reported. */
export interface FindHomeOp {
  readonly op: 'find_home';
  readonly uid: number;
}

/** Receives the filter, an array of struct sock_filter, that the runtime has compiled meanwhile, over a separate socket, preceded by the number of instructions (u32). Loads it at once, or (`at_execve` 1) has `exec` and each later `hook` load it, as the last call before execve(2). A listener that `flags` request is sent to the runtime, as the record listener. */
export interface SeccompOp {
  readonly op: 'seccomp';
  readonly flags: number;
  readonly atExecve: number;
}

/** Connects to the stream socket at `path`, which will receive the listener of the filter, and records the process's pid on the host. */
export interface SeccompReceiverOp {
  readonly op: 'seccomp_receiver';
  readonly path: string;
}

/** Loads the filter as seccomp does and sends its listener to the receiver: one message with the parts of `state`, the process's pid between them, and the listener as its only descriptor. */
export interface SeccompNotifyOp {
  readonly op: 'seccomp_notify';
  readonly flags: number;
  readonly state: readonly string[];
}

/** Has each of `signals`, a mask of bits from 0 for signal 1, end init with exit status 128 plus its number, and unblocks them: the kernel ignores a signal without a handler for the first process of a pid namespace. Gives back unused memory, since init waits from here on. */
export interface EndOnSignalsOp {
  readonly op: 'end_on_signals';
  readonly signals: number | bigint;
}

/** Reports that everything is ready and waits for `start`. */
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

/** Makes the missing part of the path of a mount point: a directory, or an empty file if `directory` is 0. */
export interface MakeMountPointOp {
  readonly op: 'make_mount_point';
  readonly path: string;
  readonly directory: number;
}

/** Resets the signal dispositions and the signal mask, then executes the program found by find_program. */
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
  | OpenFilesystemOp
  | IdmapTreeOp
  | OpenTimeOffsetsOp
  | CloneInitOp
  | AwaitUnitOp
  | AwaitCgroupsOp
  | AwaitLimitsOp
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
  | EnterMountNamespaceOp
  | MountLockedOp
  | CloneLockedOp
  | LockTreesOp
  | RefusePinnedOp
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
  | AwaitHooksOp
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
  | EndOnSignalsOp
  | AwaitStartOp
  | PassDescriptorsOp
  | MakeMountPointOp
  | ExecOp;

/** Ops that only wait for the runtime. */
export type WaitingOp =
  'await_unit' | 'await_cgroups' | 'await_limits' | 'await_hooks' | 'await_scheduler' | 'await_start';

/** The calls that the failure of an op may name. */
export interface OpCalls {
  cgroup_create: 'mkdirat' | 'openat2' | 'read' | 'write';
  cgroup_enable: 'openat2' | 'read' | 'write';
  write_file: 'openat2' | 'write';
  write_files: 'openat2' | 'write';
  write_first: 'openat2' | 'write';
  cgroup_delegate: 'fchownat' | 'openat2';
  write_device_rules: 'openat2' | 'write';
  device_program: 'bpf' | 'openat2';
  resctrl_group: 'mkdirat' | 'openat2';
  net_device: 'openat2' | 'rtnetlink' | 'socket' | 'statx';
  raise_limit: 'prlimit';
  user_namespace:
    | 'capget'
    | 'capset'
    | 'clone'
    | 'clone3'
    | 'execve'
    | 'getrandom'
    | 'mmap'
    | 'newuidmap'
    | 'openat2'
    | 'pipe2'
    | 'prctl'
    | 'read'
    | 'setns'
    | 'setresuid'
    | 'unshare'
    | 'write';
  check_id_maps: 'openat2' | 'read';
  become_root: 'prctl' | 'setgroups' | 'setresgid' | 'setresuid';
  open_tree: 'mount_setattr' | 'open_tree' | 'openat2';
  open_filesystem: 'fsconfig' | 'fsmount' | 'fsopen' | 'statx';
  idmap_tree: 'mount_setattr';
  open_time_offsets: 'openat2';
  clone_init: 'clone3' | 'prctl' | 'setsid' | 'writev';
  await_unit: 'read';
  await_cgroups: 'read';
  await_limits: 'read';
  cgroup_join: 'openat2' | 'write';
  unshare: 'unshare';
  namespace_open: 'ioctl' | 'openat2' | 'setns' | 'statx';
  namespace_join: 'prctl' | 'setns';
  time_namespace: 'openat2' | 'setns' | 'unshare' | 'write';
  session_keyring: 'keyctl';
  container_user_namespace: 'ioctl' | 'openat2' | 'pidfd_send_signal';
  open_process_root: 'openat2' | 'pidfd_send_signal';
  join_process: 'ioctl' | 'openat2' | 'setns';
  outlive: 'clone3' | 'close_range' | 'ioctl' | 'read' | 'writev';
  loopback_up: 'ioctl' | 'socket';
  enter_mount_namespace: 'fstatfs' | 'ioctl' | 'openat2' | 'read' | 'setns';
  mount_locked:
    | 'fchdir'
    | 'fsconfig'
    | 'fsmount'
    | 'fsopen'
    | 'mkdirat'
    | 'mknodat'
    | 'mount_setattr'
    | 'move_mount'
    | 'openat2'
    | 'pivot_root'
    | 'setns'
    | 'statx'
    | 'umount2';
  clone_locked: 'dup3' | 'open_tree' | 'openat2';
  lock_trees:
    | 'clone3'
    | 'dup3'
    | 'fchdir'
    | 'fsconfig'
    | 'fsmount'
    | 'fsopen'
    | 'mkdirat'
    | 'mknodat'
    | 'mount_setattr'
    | 'move_mount'
    | 'open_tree'
    | 'openat2'
    | 'pipe2'
    | 'pivot_root'
    | 'prctl'
    | 'read'
    | 'setns'
    | 'statx'
    | 'umount2'
    | 'unshare';
  refuse_pinned: 'openat2' | 'read';
  set_propagation: 'mount_setattr';
  open_root: 'mount_setattr' | 'move_mount' | 'open_tree' | 'openat2';
  open_root_directory: 'openat2';
  hold_root: 'mount_setattr' | 'move_mount' | 'open_tree' | 'openat2';
  mount_filesystem:
    'copy' | 'fchownat' | 'fsconfig' | 'fsmount' | 'fsopen' | 'fstatfs' | 'mount' | 'move_mount' | 'openat2' | 'statx';
  mount_bind: 'fstatfs' | 'mount_setattr' | 'move_mount' | 'open_tree' | 'openat2' | 'statx';
  mount_attributes: 'mount_setattr';
  mount_propagation: 'mount_setattr';
  make_directory: 'mkdirat' | 'openat2' | 'statx';
  make_device: 'fchmodat2' | 'fchownat' | 'fstatfs' | 'mknodat' | 'openat2' | 'statx';
  bind_device: 'fstatfs' | 'mount_setattr' | 'move_mount' | 'open_tree' | 'openat2' | 'statx';
  make_link: 'openat2' | 'readlinkat' | 'symlinkat';
  terminal: 'dup3' | 'fstatfs' | 'ioctl' | 'openat2' | 'read' | 'sendmsg' | 'statx';
  console: 'move_mount' | 'open_tree' | 'openat' | 'openat2' | 'statx';
  mask_path: 'fsconfig' | 'fsmount' | 'fsopen' | 'mount_setattr' | 'move_mount' | 'open_tree' | 'openat2' | 'statx';
  readonly_path: 'mount_setattr' | 'move_mount' | 'open_tree' | 'openat2';
  await_hooks: 'read';
  open_log: 'openat2';
  hook: 'clone' | 'execve' | 'mmap';
  remove_mount: 'fchdir' | 'openat2' | 'statx' | 'umount2';
  open_mount: 'openat2' | 'statx';
  unmount: 'umount2';
  pivot_root:
    'chdir' | 'chroot' | 'fchdir' | 'mount_setattr' | 'openat2' | 'pivot_root' | 'setns' | 'statx' | 'umount2';
  move_root:
    | 'chroot'
    | 'fchdir'
    | 'fsconfig'
    | 'fsmount'
    | 'fsopen'
    | 'mount_setattr'
    | 'mountinfo'
    | 'move_mount'
    | 'openat2'
    | 'setns'
    | 'statx';
  chroot: 'chroot' | 'fchdir';
  set_hostname: 'sethostname';
  set_domainname: 'setdomainname';
  sysctl: 'fsconfig' | 'fsmount' | 'fsopen' | 'fstatfs' | 'openat2' | 'write';
  oom_score_adj: 'openat2' | 'write';
  rlimit: 'prlimit';
  cpu_affinity: 'sched_setaffinity';
  scheduler: 'sched_setattr';
  await_scheduler: 'read';
  io_priority: 'ioprio_set';
  personality: 'personality';
  memory_policy: 'set_mempolicy';
  security_attribute: 'fsconfig' | 'fsmount' | 'fsopen' | 'fstatfs' | 'openat2' | 'read' | 'write';
  umask: 'umask';
  stdio_owner: 'clone3' | 'dup3' | 'fchown' | 'openat2' | 'statx';
  drop_bounding: 'prctl';
  set_user: 'getresuid' | 'prctl' | 'setgroups' | 'setresgid' | 'setresuid';
  set_capabilities: 'capset' | 'prctl' | 'writev';
  fork_init: 'clone' | 'close_range' | 'ioctl' | 'pipe2' | 'prctl' | 'read' | 'setsid' | 'writev';
  change_directory: 'chdir' | 'getcwd';
  no_new_privs: 'prctl';
  find_program: 'close_range' | 'execve';
  find_home: 'openat2' | 'read' | 'writev';
  seccomp: 'clone3' | 'read' | 'seccomp' | 'sendmsg';
  seccomp_receiver: 'connect' | 'openat2' | 'readlinkat' | 'socket' | 'statx';
  seccomp_notify: 'clone3' | 'read' | 'seccomp' | 'sendmsg';
  end_on_signals: 'rt_sigaction' | 'rt_sigprocmask';
  await_start: 'accept4' | 'getsockopt' | 'read';
  pass_descriptors: 'dup3';
  make_mount_point: 'openat2';
  exec: 'clone3' | 'execve' | 'mmap' | 'seccomp' | 'sendmsg';
}

export const GROUPS_RULE = {
  /** setgroups(2) must succeed */
  set: 0,
  /** setgroups(2) is forbidden in the user namespace, so it is not called */
  keep: 1,
  /** setgroups(2) may be forbidden there, which is not a failure if no groups are set */
  setIfAllowed: 2,
} as const;

export const WRITE_FILES_PATHS_MOST = 32;

export const OPEN_TREE_FLAGS = {
  /** with all mounts below it */
  recursive: 1,
  /** it must be a directory, and its last component must not be a symbolic link */
  plainDirectory: 2,
  /** the path is one of the container, whose earlier mounts may hold it; no symbolic link in it is followed */
  inRoot: 4,
  /** a symbolic link at the end of the path is cloned itself */
  nofollow: 8,
  /** if it is missing, the slot stays empty */
  optional: 16,
} as const;

export const MOUNT_FILESYSTEM_FLAGS = {
  /** the destination must be reached without symbolic links */
  plainDirectory: 1,
  /** the new root gets the mode of an existing directory unless `mode=` is given */
  inheritMode: 2,
  /** the contents of the directory are copied into the filesystem first */
  copyUp: 4,
  /** the new root gets the owner of the directory */
  inheritOwner: 8,
  /** it may be mounted on the container's /proc, else EPERM if links lead there */
  mayCoverProc: 16,
} as const;

export const MOUNT_BIND_FLAGS = {
  /** with all mounts below the source */
  recursive: 1,
  /** the source must be the root of a procfs */
  needsProcfs: 2,
  /** the destination must be reached without symbolic links */
  plainDestination: 4,
  /** it may be mounted on the container's /proc, else EPERM if links lead there */
  mayCoverProc: 8,
  /** a source that is a symbolic link is bound itself */
  sourceNofollow: 16,
  /** a destination that is a symbolic link is covered itself */
  destinationNofollow: 32,
} as const;

export const CHANGE_DIRECTORY_PHASE = {
  /** with the privileges of the setup, deferring it on EACCES and EPERM */
  setUp: 0,
  /** as the user, if the setup deferred it */
  user: 1,
} as const;

export const SECCOMP_NOTIFY_STATE_MOST = 8;

export const AWAIT_START_HOW = {
  /** on the control socket */
  control: 0,
  /** for a connection to the listening socket */
  listener: 1,
} as const;

export type FieldKind = 'u32' | 'i32' | 'u64' | 'str' | 'bytes' | 'strs' | 'u32s' | 'slot' | 'new_slot';

export interface OpCodec {
  readonly code: number;
  readonly group: 'host' | 'stage' | 'init';
  readonly fields: readonly (readonly [name: string, kind: FieldKind])[];
}

export const PROGRAM_VERSION = 2;

export const SLOTS = 1024;

export const OP_CODECS: Readonly<Record<Op['op'], OpCodec>> = {
  cgroup_create: {
    code: 0,
    group: 'host',
    fields: [
      ['hierarchy', 'str'],
      ['path', 'str'],
      ['inherit', 'strs'],
    ],
  },
  cgroup_enable: {
    code: 1,
    group: 'host',
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
    fields: [
      ['path', 'str'],
      ['data', 'str'],
      ['ignore', 'u32'],
    ],
  },
  write_files: {
    code: 3,
    group: 'host',
    fields: [
      ['paths', 'strs'],
      ['data', 'strs'],
    ],
  },
  write_first: {
    code: 4,
    group: 'host',
    fields: [
      ['paths', 'strs'],
      ['data', 'strs'],
    ],
  },
  cgroup_delegate: {
    code: 5,
    group: 'host',
    fields: [
      ['directory', 'str'],
      ['files', 'strs'],
      ['uid', 'u32'],
    ],
  },
  write_device_rules: {
    code: 6,
    group: 'host',
    fields: [
      ['directory', 'str'],
      ['rules', 'strs'],
    ],
  },
  device_program: {
    code: 7,
    group: 'host',
    fields: [
      ['directory', 'str'],
      ['program', 'bytes'],
    ],
  },
  resctrl_group: {
    code: 8,
    group: 'host',
    fields: [
      ['path', 'str'],
      ['mustExist', 'u32'],
    ],
  },
  net_device: {
    code: 9,
    group: 'host',
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
    fields: [
      ['resource', 'u32'],
      ['hard', 'u64'],
    ],
  },
  user_namespace: {
    code: 11,
    group: 'stage',
    fields: [
      ['slot', 'new_slot'],
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
    fields: [
      ['uidMap', 'str'],
      ['gidMap', 'str'],
    ],
  },
  become_root: { code: 13, group: 'stage', fields: [['groups', 'u32']] },
  open_tree: {
    code: 14,
    group: 'stage',
    fields: [
      ['slot', 'new_slot'],
      ['path', 'str'],
      ['flags', 'u32'],
      ['propagation', 'u32'],
    ],
  },
  open_filesystem: {
    code: 15,
    group: 'stage',
    fields: [
      ['slot', 'new_slot'],
      ['type', 'str'],
      ['source', 'str'],
      ['options', 'strs'],
      ['attributes', 'u64'],
    ],
  },
  idmap_tree: {
    code: 16,
    group: 'stage',
    fields: [
      ['slot', 'slot'],
      ['namespace', 'slot'],
      ['recursive', 'u32'],
    ],
  },
  open_time_offsets: { code: 17, group: 'stage', fields: [['slot', 'new_slot']] },
  clone_init: { code: 18, group: 'stage', fields: [['flags', 'u32']] },
  await_unit: { code: 19, group: 'init', fields: [] },
  await_cgroups: { code: 20, group: 'init', fields: [] },
  await_limits: { code: 21, group: 'init', fields: [] },
  cgroup_join: { code: 22, group: 'init', fields: [['file', 'str']] },
  unshare: { code: 23, group: 'init', fields: [['flags', 'u32']] },
  namespace_open: {
    code: 24,
    group: 'init',
    fields: [
      ['slot', 'new_slot'],
      ['path', 'str'],
      ['type', 'u32'],
      ['need', 'str'],
    ],
  },
  namespace_join: {
    code: 25,
    group: 'init',
    fields: [
      ['slot', 'slot'],
      ['type', 'u32'],
      ['user', 'slot'],
      ['keep', 'u32'],
    ],
  },
  time_namespace: {
    code: 26,
    group: 'init',
    fields: [
      ['offsets', 'str'],
      ['slot', 'slot'],
    ],
  },
  session_keyring: {
    code: 27,
    group: 'init',
    fields: [
      ['name', 'str'],
      ['permission', 'u32'],
    ],
  },
  container_user_namespace: {
    code: 28,
    group: 'init',
    fields: [
      ['slot', 'new_slot'],
      ['path', 'str'],
      ['child', 'u32'],
      ['device', 'u64'],
      ['inode', 'u64'],
    ],
  },
  open_process_root: { code: 29, group: 'init', fields: [['path', 'str']] },
  join_process: {
    code: 30,
    group: 'init',
    fields: [
      ['flags', 'u32'],
      ['user', 'slot'],
      ['ownerDevice', 'u64'],
      ['ownerInode', 'u64'],
    ],
  },
  outlive: {
    code: 31,
    group: 'init',
    fields: [
      ['fork', 'u32'],
      ['apart', 'u32'],
      ['terminal', 'u32'],
    ],
  },
  loopback_up: { code: 32, group: 'init', fields: [] },
  enter_mount_namespace: { code: 33, group: 'init', fields: [['thread', 'str']] },
  mount_locked: {
    code: 34,
    group: 'stage',
    fields: [
      ['proc', 'slot'],
      ['sys', 'slot'],
      ['trees', 'u32s'],
    ],
  },
  clone_locked: { code: 35, group: 'init', fields: [['trees', 'u32s']] },
  lock_trees: {
    code: 36,
    group: 'stage',
    fields: [
      ['user', 'slot'],
      ['trees', 'u32s'],
    ],
  },
  refuse_pinned: { code: 37, group: 'init', fields: [] },
  set_propagation: {
    code: 38,
    group: 'init',
    fields: [
      ['type', 'u32'],
      ['recursive', 'u32'],
    ],
  },
  open_root: {
    code: 39,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['type', 'u32'],
      ['isolate', 'u32'],
      ['tree', 'slot'],
    ],
  },
  open_root_directory: { code: 40, group: 'init', fields: [['path', 'str']] },
  hold_root: { code: 41, group: 'init', fields: [['path', 'str']] },
  mount_filesystem: {
    code: 42,
    group: 'init',
    fields: [
      ['slot', 'new_slot'],
      ['destination', 'str'],
      ['type', 'str'],
      ['source', 'str'],
      ['options', 'strs'],
      ['attributes', 'u64'],
      ['flags', 'u32'],
      ['pidNamespace', 'slot'],
      ['tree', 'slot'],
    ],
  },
  mount_bind: {
    code: 43,
    group: 'init',
    fields: [
      ['slot', 'new_slot'],
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
    code: 44,
    group: 'init',
    fields: [
      ['slot', 'slot'],
      ['set', 'u64'],
      ['clear', 'u64'],
      ['recursive', 'u32'],
    ],
  },
  mount_propagation: {
    code: 45,
    group: 'init',
    fields: [
      ['slot', 'slot'],
      ['type', 'u32'],
      ['recursive', 'u32'],
    ],
  },
  make_directory: {
    code: 46,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['mode', 'u32'],
    ],
  },
  make_device: {
    code: 47,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['mode', 'u32'],
      ['major', 'u32'],
      ['minor', 'u32'],
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['keep', 'u32'],
    ],
  },
  bind_device: {
    code: 48,
    group: 'init',
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
    code: 49,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['target', 'str'],
      ['exact', 'u32'],
    ],
  },
  terminal: {
    code: 50,
    group: 'init',
    fields: [
      ['width', 'u32'],
      ['height', 'u32'],
      ['controlling', 'u32'],
    ],
  },
  console: { code: 51, group: 'init', fields: [['path', 'str']] },
  mask_path: { code: 52, group: 'init', fields: [['path', 'str']] },
  readonly_path: { code: 53, group: 'init', fields: [['path', 'str']] },
  await_hooks: { code: 54, group: 'init', fields: [] },
  open_log: {
    code: 55,
    group: 'init',
    fields: [
      ['slot', 'new_slot'],
      ['path', 'str'],
    ],
  },
  hook: {
    code: 56,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['args', 'strs'],
      ['env', 'strs'],
      ['before', 'str'],
      ['after', 'str'],
      ['timeoutMs', 'u32'],
      ['inRoot', 'u32'],
      ['addHome', 'u32'],
      ['out', 'slot'],
      ['err', 'slot'],
    ],
  },
  remove_mount: { code: 57, group: 'init', fields: [['destination', 'str']] },
  open_mount: {
    code: 58,
    group: 'init',
    fields: [
      ['slot', 'new_slot'],
      ['destination', 'str'],
    ],
  },
  unmount: { code: 59, group: 'host', fields: [['path', 'str']] },
  pivot_root: { code: 60, group: 'init', fields: [] },
  move_root: { code: 61, group: 'init', fields: [['detach', 'u32']] },
  chroot: { code: 62, group: 'init', fields: [] },
  set_hostname: { code: 63, group: 'init', fields: [['name', 'str']] },
  set_domainname: { code: 64, group: 'init', fields: [['name', 'str']] },
  sysctl: {
    code: 65,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['value', 'str'],
      ['host', 'u32'],
    ],
  },
  oom_score_adj: {
    code: 66,
    group: 'init',
    fields: [
      ['value', 'i32'],
      ['ignore', 'u32'],
    ],
  },
  rlimit: {
    code: 67,
    group: 'init',
    fields: [
      ['resource', 'u32'],
      ['soft', 'u64'],
      ['hard', 'u64'],
    ],
  },
  cpu_affinity: { code: 68, group: 'init', fields: [['cpus', 'bytes']] },
  scheduler: {
    code: 69,
    group: 'host',
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
  await_scheduler: { code: 70, group: 'init', fields: [] },
  io_priority: { code: 71, group: 'init', fields: [['value', 'u32']] },
  personality: { code: 72, group: 'init', fields: [['persona', 'u32']] },
  memory_policy: {
    code: 73,
    group: 'init',
    fields: [
      ['mode', 'u32'],
      ['nodes', 'bytes'],
    ],
  },
  security_attribute: {
    code: 74,
    group: 'init',
    fields: [
      ['name', 'str'],
      ['value', 'str'],
      ['expected', 'str'],
    ],
  },
  umask: { code: 75, group: 'init', fields: [['mask', 'u32']] },
  stdio_owner: {
    code: 76,
    group: 'init',
    fields: [
      ['uid', 'u32'],
      ['user', 'slot'],
      ['null', 'u32'],
    ],
  },
  drop_bounding: {
    code: 77,
    group: 'init',
    fields: [
      ['keep', 'u64'],
      ['last', 'u32'],
    ],
  },
  set_user: {
    code: 78,
    group: 'init',
    fields: [
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['groups', 'u32s'],
      ['keepGroups', 'u32'],
    ],
  },
  set_capabilities: {
    code: 79,
    group: 'init',
    fields: [
      ['effective', 'u64'],
      ['permitted', 'u64'],
      ['inheritable', 'u64'],
      ['ambient', 'u64'],
    ],
  },
  fork_init: { code: 80, group: 'init', fields: [] },
  change_directory: {
    code: 81,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['phase', 'u32'],
    ],
  },
  no_new_privs: { code: 82, group: 'init', fields: [] },
  find_program: {
    code: 83,
    group: 'init',
    fields: [
      ['name', 'str'],
      ['search', 'str'],
    ],
  },
  find_home: { code: 84, group: 'init', fields: [['uid', 'u32']] },
  seccomp: {
    code: 85,
    group: 'init',
    fields: [
      ['flags', 'u32'],
      ['atExecve', 'u32'],
    ],
  },
  seccomp_receiver: { code: 86, group: 'init', fields: [['path', 'str']] },
  seccomp_notify: {
    code: 87,
    group: 'init',
    fields: [
      ['flags', 'u32'],
      ['state', 'strs'],
    ],
  },
  end_on_signals: { code: 88, group: 'init', fields: [['signals', 'u64']] },
  await_start: { code: 89, group: 'init', fields: [['how', 'u32']] },
  pass_descriptors: {
    code: 90,
    group: 'init',
    fields: [
      ['first', 'u32'],
      ['slots', 'u32s'],
    ],
  },
  make_mount_point: {
    code: 91,
    group: 'init',
    fields: [
      ['path', 'str'],
      ['directory', 'u32'],
    ],
  },
  exec: {
    code: 92,
    group: 'init',
    fields: [
      ['args', 'strs'],
      ['env', 'strs'],
    ],
  },
};
