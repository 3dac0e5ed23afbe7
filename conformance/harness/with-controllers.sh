#!/bin/sh
# Runs a command with v1 cgroup controllers mounted that the host does not use, and releases them afterwards. Does
# nothing on a host without cgroup v1. The caller must be in a new mount namespace.
#
#   with-controllers.sh CONTROLLER,... COMMAND [ARGUMENT]...
set -eu
# In a private /sys/fs/cgroup, because removing a mount point unmounts it in all namespaces.
[ "$1" = --own ] || exec "$(dirname "$0")/own-cgroups.sh" "$0" --own "$@"
shift
controllers=$(echo "$1" | tr , ' ')
shift
mounted=

# Retries a command for five seconds, because nothing signals changes of a hierarchy.
within() {
	for _ in $(seq 100); do
		"$@" 2>/dev/null && return
		sleep 0.05
	done
	"$@"
}

is_free() { ! grep -q ":$1:" /proc/self/cgroup; }

# The kernel releases a controller with the last mount if no cgroup is left. Cgroups are freed with a delay,
# and a hierarchy that still had some stays until it is mounted and unmounted again.
give_back() {
	is_free "$1" && return
	mount -t cgroup -o "$1" none "/sys/fs/cgroup/$1" && umount "/sys/fs/cgroup/$1"
	is_free "$1"
}

unmount() {
	for controller in $mounted; do
		umount "/sys/fs/cgroup/$controller"
		within give_back "$controller" || echo "with-controllers.sh: $controller still has cgroups" >&2
	done
}
trap unmount EXIT
trap 'exit 1' INT TERM HUP

if [ ! -f /sys/fs/cgroup/cgroup.controllers ]; then
	# Not from cgroup.controllers, where a hierarchy that is being torn down is missing for a moment.
	for controller in $controllers; do
		grep -q "^$controller	" /proc/cgroups || continue
		grep -Eq "^([0-9]+:)([^:]*,)?$controller(,[^:]*)?:" /proc/self/cgroup &&
			grep -Eq " - cgroup [^ ]* ([^ ]*,)?$controller(,|\$)" /proc/self/mountinfo && continue
		mkdir -p "/sys/fs/cgroup/$controller"
		within mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller" && mounted="$mounted $controller"
	done
fi
"$@"
