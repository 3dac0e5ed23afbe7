#!/bin/sh
# A tour of rt with real containers. Needs root, a built rt and a static busybox; cleans up after itself.
#
#   conformance/demo.sh [path of rt]
set -eu
exec 2>&1
rt=${1:-$(cd "$(dirname "$0")/.." && pwd)/build/rt}
work=$(mktemp -d)
id=demo-$$
trap '"$rt" --root "$work/state" delete --force $id || true; rm -rf "$work"' EXIT

title() { printf '\n== %s\n' "$*"; }
# Prints a command and runs it. Failing commands are part of the tour.
rt() {
	echo "\$ rt $*"
	"$rt" --root "$work/state" "$@" || echo "(exit status $?)"
}
# configure TEXT REPLACEMENT...: makes config.json from the output of `rt spec`.
configure() {
	cp spec.json config.json
	while [ $# -gt 1 ]; do
		sed -i "s|$1|$2|" config.json
		shift 2
	done
}

title 'A bundle: a root file system, and a config.json from "rt spec"'
cd "$work"
mkdir -p rootfs/bin rootfs/proc rootfs/dev rootfs/sys
cp "$(command -v busybox)" rootfs/bin/busybox
for applet in sh cat grep hostname id ps sleep; do ln -s busybox rootfs/bin/$applet; done
cat >rootfs/tour.sh <<'SCRIPT'
#!/bin/sh
echo "hostname $(hostname), pid $$, user $(id -u), at most $(ulimit -n) open files"
echo "processes:"; ps
echo "mounts:"; cut -d ' ' -f 2-4 /proc/mounts | grep -v cgroup/
echo "rights:"; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
SCRIPT
cat >rootfs/server.sh <<'SCRIPT'
#!/bin/sh
trap 'echo stopping; exit 0' TERM
echo serving
while :; do sleep 0.1; done
SCRIPT
ln -s busybox rootfs/bin/cut
chmod +x rootfs/*.sh
rt spec
mv config.json spec.json

title 'run: a container from start to end'
configure '"terminal": true' '"terminal": false' '"sh"' '"/tour.sh"'
rt run $id

title 'create, start, kill, delete: the same in single steps, as an engine does it'
configure '"terminal": true' '"terminal": false' '"sh"' '"/server.sh"'
# The container keeps its output open, so it must not inherit this script's.
echo "\$ rt create $id >output"
"$rt" --root "$work/state" create $id </dev/null >output
rt state $id && echo
rt start $id
until grep -q serving output; do sleep 0.1; done
rt list
rt kill $id TERM
until "$rt" --root "$work/state" state $id | grep -q stopped; do sleep 0.1; done
rt delete $id
echo '$ cat output'
cat output
rt list

title 'When something is wrong: what, where, and why'
configure '"soft": 1024' '"soft": "many"' '"cwd": "/"' '"cwd": "somewhere"'
rt run $id
configure '"terminal": true' '"terminal": false' '"sh"' '"/bin/no-such-program"'
rt run $id
