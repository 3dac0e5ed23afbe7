#!/bin/bash
# Runs conformance cases, or any command, as root in a virtual machine of its own, without KVM.
#
#   run.sh [option]... [case file]...        the cases of those files, or all of cases and attacks that need a machine
#   run.sh [option]... -- COMMAND [WORD]...  a command, in the root of the repository
#   run.sh [option]... --shell               a shell on the terminal; `poweroff -ff` ends the machine
#
#   --kernel 11|12|13|sid   Debian release (default 12)
#   --arch amd64|arm64      (default amd64)
#   --cgroup v2|v1|hybrid   what systemd mounts (default v2)
#   --lsm apparmor|selinux  (default apparmor; SELinux is permissive)
#   --part 2of3             a third of the cases: every third file, from the second on
#   --deadline SECONDS      for the whole machine (default 1800)
#   --memory MIB, --cpus N  (default 2048, 2)
#   --engines               with Docker, containerd and Podman
#   --with PATH             a further file or folder of build/, such as oci/bin
#
# RT_* variables are passed on. Output comes as it is written; the exit status is that of the command, 124 when the
# deadline passed, 125 when the machine itself failed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$repository/build/vm

kernel=12 arch=amd64 cgroup=v2 lsm=apparmor deadline=1800 memory=2048 cpus=2 part=1of1 shell='' kind='' with=()
command=() cases=()
while [ $# -gt 0 ]; do
	case $1 in
	--kernel | --arch | --cgroup | --lsm | --part | --deadline | --memory | --cpus)
		declare "${1#--}=${2:?$1 needs a value}"
		shift 2
		;;
	--with)
		with+=("${2:?--with needs a value}")
		shift 2
		;;
	--engines) kind=-engines && shift ;;
	--shell) shell=1 && shift ;;
	--)
		shift
		command=("$@")
		break
		;;
	-*) sed -n '2,/^set/{s/^# \?//p}' "$0" >&2 && exit 125 ;;
	*) cases+=("$1") && shift ;;
	esac
done

case $arch in
amd64) suffix='' built=build serial=ttyS0 ;;
arm64) suffix=-arm64 built=build/arm64 serial=ttyAMA0 ;;
*) echo "run.sh: --arch is amd64 or arm64" >&2 && exit 125 ;;
esac
arguments="console=$serial quiet panic=-1 root=PARTUUID=11111111-2222-3333-4444-555555555555 rootwait rw"
arguments+=" fsck.mode=skip systemd.unit=job.target systemd.show_status=no"
# On a busy host the first timer ticks can be late, and the kernel's timer check would fail.
arguments+=" no_timer_check"
# Hardening would cost an emulated machine a fifth of its time: no mitigations, no zeroed pages, four-level
# page tables. Expedited RCU, because cgroups, namespaces and mounts are freed after a grace period.
arguments+=" mitigations=off init_on_alloc=0 no5lvl rcupdate.rcu_expedited=1"
case $cgroup in
v2) ;;
v1) arguments+=" systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1" ;;
hybrid)
	arguments+=" systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0"
	arguments+=" SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
	;;
*) echo "run.sh: --cgroup is v2, v1 or hybrid" >&2 && exit 125 ;;
esac
case $lsm in
apparmor) ;;
selinux) arguments+=" security=selinux selinux=1 enforcing=0" ;;
*) echo "run.sh: --lsm is apparmor or selinux" >&2 && exit 125 ;;
esac
[ -z "$shell" ] || arguments+=" rt.shell"

"$here/setup.sh" "$kernel" "$arch" "${kind#-}"

run=$(mktemp -d "$work/run.XXXXXX")
trap 'rm -rf "$run"' EXIT

# Compiled here, because the machine has no compiler.
(cd "$repository" && node --import=tsx --eval \
	"import('./conformance/harness/guest.ts').then((guest) => guest.compileGuestPrograms('$arch'))")

# The working tree, without files that no case needs.
mkdir -p "$run/tree/build/vm/node" "$run/tree/node_modules"
tar -C "$repository" -c --exclude=./.git --exclude=./node_modules --exclude='./build/*' . | tar -C "$run/tree" -x
own=(rt conformance)
# The addon and criu are of this architecture; Debian 13's own criu is new enough.
[ "$arch" = arm64 ] || own+=(node criu)
# usage: take PATH FROM: a file or folder of FROM, if it is there, as one of build/
take() {
	[ -e "$repository/$2/$1" ] || return 0
	mkdir -p "$run/tree/build/$(dirname "$1")"
	cp -a "$repository/$2/$1" "$run/tree/build/$1"
}
for path in "${own[@]}"; do take "$path" "$built"; done
for path in "${with[@]}"; do take "$path" build; done
# The newest kernel comes with the newest criu.
if [ "$kernel-$arch" = sid-amd64 ]; then
	[ -x "$work/criu-sid/criu" ] || "$repository/native/setup/criu.sh" sid build/vm/criu-sid
	rm -rf "$run/tree/build/criu"
	cp -a "$work/criu-sid" "$run/tree/build/criu"
fi
if [ "$arch" = arm64 ]; then
	mkdir "$run/tree/build/criu"
	ln -s /usr/sbin/criu "$run/tree/build/criu/criu"
fi
if [ ${#command[@]} -eq 0 ]; then
	if [ ${#cases[@]} = 0 ]; then
		# Except cases that do not depend on the machine, such as config validation and messages.
		for file in "$repository"/conformance/{cases,attacks}/*.test.ts; do
			case $(basename "$file" .test.ts) in
			api | bad-input | command-line | completion | control-characters | documentation | explain) ;;
			mount-options | nulls | races | start-errors | state-owners | surroundings | tmpcopyup | trace | umoci | warnings) ;;
			*) cases+=("$file") ;;
			esac
		done
	fi
	for at in "${!cases[@]}"; do [ $((at % ${part#*of})) = $((${part%of*} - 1)) ] || unset "cases[$at]"; done
	node "$here/bundle.mjs" "$run/tree/build/vm/cases" "${cases[@]}"
	command=(conformance/vm/guest/suite)
	for bundle in "$run"/tree/build/vm/cases/*.mjs; do command+=("build/vm/cases/$(basename "$bundle")"); done
fi
{
	echo "#!/bin/bash"
	for name in "${!RT_@}"; do printf 'export %s=%q\n' "$name" "${!name}"; done
	printf '%q ' "${command[@]}"
	echo
} >"$run/tree/build/vm/command"
chmod 755 "$run/tree/build/vm/command"
truncate --size 1G "$run/tree.img"
mke2fs -q -F -t ext4 -O ^has_journal -m 0 -L rt-tree -E root_owner=0:0 -d "$run/tree" "$run/tree.img"

# Both processors share one host thread: with one thread each, one may execute code that the other has just
# patched, and the kernel, which patches itself, panics. On arm64 pointer authentication would take half of the time.
case $arch in
amd64) processor=(qemu-system-x86_64 -accel tcg,thread=single -M q35 -cpu max) ;;
arm64) processor=(qemu-system-aarch64 -accel tcg,thread=multi -M virt -cpu "max,pauth=off") ;;
esac
machine=(
	"${processor[@]}" -smp "$cpus" -m "$memory"
	-nodefaults -display none -no-reboot -kernel "$work/kernel-$kernel$suffix/vmlinuz" -append "$arguments"
	-drive "if=none,id=root,file=$work/disk-$kernel$kind$suffix.img,format=raw,snapshot=on" -device nvme,drive=root,serial=root
	-drive "if=none,id=node,file=$work/node-modules$suffix.img,format=raw,snapshot=on" -device nvme,drive=node,serial=node
	-drive "if=none,id=tree,file=$run/tree.img,format=raw,cache=unsafe" -device nvme,drive=tree,serial=tree
)
if [ -n "$shell" ]; then
	TMPDIR=$run "${machine[@]}" -serial mon:stdio
	exit
fi

machine+=(-serial "file:$run/console" -chardev stdio,id=output,signal=off -chardev "file,id=status,path=$run/status")
case $arch in
amd64) machine+=(-serial chardev:output -serial chardev:status) ;;
# It has one serial port of its own.
arm64) machine+=(-device pci-serial-2x,chardev1=output,chardev2=status) ;;
esac
ended=0
TMPDIR=$run timeout --foreground --kill-after 5 "$deadline" setpriv --pdeathsig KILL "${machine[@]}" </dev/null || ended=$?
status=$(tr -d '\r\n' <"$run/status")
if [ "$ended" = 124 ]; then
	echo "run.sh: the machine was not done after $deadline s" >&2
elif [ -n "$status" ]; then
	exit "$status"
else
	ended=125
	echo "run.sh: the machine failed; the end of its console:" >&2
fi
tail -n 25 "$run/console" >&2
exit "$ended"
