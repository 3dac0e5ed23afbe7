#!/bin/sh
# Runs a command with a private /sys/fs/cgroup if that is a directory of mounts (cgroup v1). Entries that engines create
# beside the hierarchies then stay invisible to others: Podman, containerd and Docker mistake a plain directory with a
# controller's name for the controller. The caller must be in a new mount namespace.
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
