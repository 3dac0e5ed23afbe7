#!/bin/sh
# Runs the programs in sequence. Needs root and a new mount namespace (see run), but neither Go nor Node, so that it can
# also run in small virtual machines.
#
#   programs.sh DIRECTORY RUNTIME OUTPUT [PROGRAM]...
#
# DIRECTORY is the output of build.sh, RUNTIME the command under test. For each program, OUTPUT gets PROGRAM.tap
# (standard output), PROGRAM.err, PROGRAM.status (exit status) and PROGRAM.left (leftovers on the host, if any).
set -eu
directory=$(cd "$1" && pwd) runtime=$2 output=$3
shift 3
mkdir -p "$output"
output=$(cd "$output" && pwd)
tmp=$directory/tmp-${output##*/}
mkdir -p "$tmp"
exec 8>"$directory/cgroups.lock"
if [ $# -eq 0 ]; then
	for path in "$directory"/bin/*; do
		[ "${path##*/}" = runtimetest ] || set -- "$@" "${path##*/}"
	done
fi

# The cgroup names that the programs use. A runtime removes a container's cgroup but not its parents.
cgroups() {
	find /sys/fs/cgroup -type d \( -name cgrouptest ! -path '*/testdir/*' -o -path '*/testdir/cgrouptest/container' \) 2>/dev/null || true
}
containers() {
	"$runtime" list -q 2>/dev/null | tr -d '\0' || true
}

left() {
	sed -n "s#^\([^ ]* \)\{4\}\($tmp/[^ ]*\) .*#mount \2#p" /proc/self/mountinfo
	containers | sed 's/^/container /'
	[ -z "$locked" ] || cgroups | sed 's/^/cgroup /'
}

clean() {
	for id in $(containers); do "$runtime" delete --force "$id" >/dev/null 2>&1 || true; done
	sed -n "s#^\([^ ]* \)\{4\}\($tmp/[^ ]*\) .*#\2#p" /proc/self/mountinfo | sort -r | while read -r path; do
		umount -l "$path"
	done
	[ -z "$locked" ] || find /sys/fs/cgroup -depth -type d \( -name cgrouptest -o -path '*/cgrouptest/container' -o -name testdir \) \
		-exec rmdir {} \; 2>/dev/null || true
	rm -rf "$tmp"
	mkdir -p "$tmp"
}

run() {
	status=0
	RUNTIME=$runtime TMPDIR=$tmp timeout -k 5 120 "$directory/bin/$1" \
		</dev/null 8>&- >"$output/$1.tap" 2>"$output/$1.err" || status=$?
	echo "$status" >"$output/$1.status"
	left >"$output/$1.left"
	clean
	[ "$status" = 0 ] && ! grep -Eq '^not ok|^    "error"' "$output/$1.tap"
}

# Two programs have races that a fast runtime can lose on a busy machine: killsig sends its signal once the
# container runs, possibly before its shell has set the trap; poststart expects output from the shell before
# the hook, which runs right after execve. They get five attempts.
cd "$directory/start"
locked=1
flock 8
clean
flock -u 8
for program; do
	# These use the same cgroups for every runtime.
	locked=
	case $program in
	linux_cgroups_* | delete_resources | delete_only_create_resources) locked=1 && flock 8 ;;
	esac
	case $program in
	killsig | poststart) run "$program" || run "$program" || run "$program" || run "$program" || run "$program" || true ;;
	*) run "$program" || true ;;
	esac
	[ -z "$locked" ] || flock -u 8
done
rmdir "$tmp"
