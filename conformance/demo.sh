#!/bin/sh
# Makes a bundle from Debian's busybox and runs it: `make demo`. Prints every command before its output.
set -eu
cd "$(dirname "$0")/.."
rt=$PWD/build/rt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say() {
	printf '\n\033[1m$ %s\033[0m\n' "$*"
}
rt() {
	say rt "$@"
	"$rt" --root "$work/state" "$@" || echo "(exit status $?)"
}

mkdir -p rootfs/bin
cp /bin/busybox rootfs/bin/
for applet in sh cat sleep hostname mount ps id; do ln -s busybox "rootfs/bin/$applet"; done

rt --version
rt spec
cat >rootfs/show <<'SHOW'
#!/bin/sh
echo "host name:  $(hostname)"
echo "pid:        $$ of $(ps | tail -n +2 | wc -l) processes"
echo "user:       $(id)"
echo "limits:     $(cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max) bytes of memory"
echo "open files: $(ulimit -n)"
echo "mounts:"
mount | sed 's/^/  /'
SHOW
chmod +x rootfs/show
say 'edit config.json: run /show, 64 MiB of memory, read-only root'
sed -i 's|"sh"|"/show"|; s|"devices": \[|"memory": { "limit": 67108864 },\n\t\t\t"devices": [|' config.json
sed -i 's|"linux": {|"linux": {\n\t\t"cgroupsPath": "/rt-demo",|' config.json

rt validate
rt run demo

say 'edit config.json: run sleep'
sed -i 's|"/show"|"sleep", "1000"|' config.json
rt create demo
rt state demo
echo
rt start demo
rt list
rt delete demo
rt kill demo KILL
rt delete --force demo

say 'edit config.json: a program that is not there'
sed -i 's|"sleep", "1000"|"slep"|' config.json
rt run demo
