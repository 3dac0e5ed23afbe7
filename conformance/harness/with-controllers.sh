#!/bin/sh
# Runs a command while v1 cgroup controllers are mounted that the host leaves free, and gives them back afterwards.
# A host without cgroup v1 stays as it is. The caller has a mount namespace of its own.
#
#   with-controllers.sh CONTROLLER,... COMMAND [ARGUMENT]...
set -eu
# In a /sys/fs/cgroup of its own: to remove a mount point ends what others have mounted on it, in any namespace.
[ "$1" = --own ] || exec "$(dirname "$0")/own-cgroups.sh" "$0" --own "$@"
shift
controllers=$(echo "$1" | tr , ' ')
shift
mounted=

# Whether a command succeeds within five seconds; nothing announces what happens to a hierarchy.
within() {
	for _ in $(seq 100); do
		"$@" 2>/dev/null && return
		sleep 0.05
	done
	"$@"
}

is_free() { ! grep -q ":$1:" /proc/self/cgroup; }

# The kernel gives a controller back when the last mount goes and no cgroup is left; cgroups go with a delay, and a
# hierarchy that had some at that moment stays until it is mounted and unmounted once more.
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
	# Not from cgroup.controllers: a hierarchy that is still being torn down appears nowhere for a moment.
	for controller in $controllers; do
		grep -q "^$controller	" /proc/cgroups || continue
		grep -Eq "^([0-9]+:)([^:]*,)?$controller(,[^:]*)?:" /proc/self/cgroup &&
			grep -Eq " - cgroup [^ ]* ([^ ]*,)?$controller(,|\$)" /proc/self/mountinfo && continue
		mkdir -p "/sys/fs/cgroup/$controller"
		within mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller" && mounted="$mounted $controller"
	done
fi
"$@"
