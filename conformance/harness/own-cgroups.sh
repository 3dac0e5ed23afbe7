#!/bin/sh
# Runs a command with a /sys/fs/cgroup of its own, where that is a directory of mounts (cgroup v1). What engines make in it
# beside the hierarchies, and what others do, is not seen elsewhere: a plain directory with the name of a controller is
# taken for the controller by Podman, containerd and Docker. The caller has a mount namespace of its own.
#
#   own-cgroups.sh COMMAND [ARGUMENT]...
set -eu
if [ ! -f /sys/fs/cgroup/cgroup.controllers ]; then
	own=$(mktemp -d)
	mount -t tmpfs -o mode=755 tmpfs "$own"
	for entry in /sys/fs/cgroup/*; do
		name=${entry##*/}
		if [ -L "$entry" ]; then
			cp -P "$entry" "$own/$name"
		elif mountpoint --quiet "$entry"; then
			mkdir "$own/$name"
			mount --bind "$entry" "$own/$name"
		fi
	done
	umount --recursive --lazy /sys/fs/cgroup
	mount --move "$own" /sys/fs/cgroup
	rmdir "$own"
fi
exec "$@"
