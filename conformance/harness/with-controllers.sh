#!/bin/sh
# Runs a command while v1 cgroup controllers are mounted that the host leaves free, and gives them back afterwards.
# A host without cgroup v1 stays as it is. The caller has a mount namespace of its own.
#
#   with-controllers.sh CONTROLLER,... COMMAND [ARGUMENT]...
set -eu
controllers=$(echo "$1" | tr , ' ')
shift
mounted=

# The kernel gives a controller back when the last mount goes and no cgroup is left; cgroups go with a delay, and a
# hierarchy that had some at that moment stays until it is mounted and unmounted once more.
unmount() {
	for controller in $mounted; do
		umount "/sys/fs/cgroup/$controller"
		for _ in 1 2 3 4 5; do
			sleep 1
			grep -q ":$controller:" /proc/self/cgroup || break
			mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller" && umount "/sys/fs/cgroup/$controller"
		done
		rmdir "/sys/fs/cgroup/$controller"
	done
}
trap unmount EXIT
trap 'exit 1' INT TERM HUP

if [ ! -f /sys/fs/cgroup/cgroup.controllers ]; then
	# Not from cgroup.controllers: a hierarchy that is still being torn down appears nowhere for a moment.
	for controller in $controllers; do
		grep -q "^$controller	" /proc/cgroups || continue
		grep -Eq "^([0-9]+:)([^:]*,)?$controller(,[^:]*)?:" /proc/self/cgroup &&
			grep -Eq " - cgroup [^ ]* ([^ ]*,)?$controller(,|\$)" /proc/self/mountinfo && continue
		mkdir -p "/sys/fs/cgroup/$controller"
		for _ in 1 2 3 4 5; do
			if mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller"; then
				mounted="$mounted $controller"
				break
			fi
			sleep 1
		done
	done
fi
"$@"
