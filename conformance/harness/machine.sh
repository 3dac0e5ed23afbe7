#!/bin/sh
# Prints what tests run on as one comment of TAP, for conformance/vm/support.mjs: JSON in one line.
set -eu
version() {
	dpkg-query --show --showformat='${Version}' "$1" 2>/dev/null | sed 's/^[0-9]*://; s/[+~-].*//'
}
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then cgroup=v2; elif [ -d /sys/fs/cgroup/unified ]; then cgroup='v1 hybrid'; else cgroup=v1; fi
if [ "$cgroup" = v2 ] && [ -d /run/systemd/system ]; then driver=systemd; else driver=cgroupfs; fi
if [ -d /sys/fs/selinux/class ]; then lsm=SELinux; elif grep -q ^Y /sys/module/apparmor/parameters/enabled 2>/dev/null; then lsm=AppArmor; else lsm=none; fi
# shellcheck source=/dev/null
system=$(. /etc/os-release && echo "Debian ${VERSION_ID:-sid}")
printf '# machine: {"date":"%s","kernel":"%s","architecture":"%s","system":"%s","cgroup":"%s","driver":"%s","lsm":"%s"' \
	"$(date --utc +%F)" "$(uname -r | sed 's/[^0-9.].*//')" "$(uname -m)" "$system" "$cgroup" "$driver" "$lsm"
printf ',"docker":"%s","podman":"%s","containerd":"%s","runc":"%s","crun":"%s"}\n' \
	"$(version docker.io)" "$(version podman)" "$(version containerd)" "$(version runc)" "$(version crun)"
