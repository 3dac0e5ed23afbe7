#!/bin/bash
# Runs build/ARCH/rt in an emulated machine of another architecture; prints TAP. usage: emulated.sh arm64|arm64-16k|riscv64
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$repository/build/vm
machine=$1 arch=${1%%-*}
case $machine in
arm64)
	packages=(qemu-system-arm) suite=bookworm kernel=linux-image-cloud-arm64 name=aarch64
	processor=(qemu-system-aarch64 -M virt -cpu max,pauth=off) console=ttyAMA0
	;;
# Its kernel has pages of 16 KiB.
arm64-16k)
	packages=(qemu-system-arm) suite=trixie kernel=linux-image-arm64-16k name=aarch64
	processor=(qemu-system-aarch64 -M virt -cpu max,pauth=off) console=ttyAMA0
	;;
# Debian 13 is the first one for it.
riscv64)
	packages=(qemu-system-misc opensbi) suite=trixie kernel=linux-image-riscv64 name=riscv64
	processor=(qemu-system-riscv64 -M virt) console=ttyS0
	;;
*) echo "usage: emulated.sh arm64|arm64-16k|riscv64" >&2 && exit 1 ;;
esac
"$repository/native/setup/packages.sh" "${packages[@]}" busybox-static
# The directory exists only when complete.
debian=$work/$machine
if [ ! -e "$debian" ]; then
	"$repository/native/setup/debian.sh" "$debian.new" "$suite" "$arch" "$kernel!" busybox-static >&2
	rm -rf "$debian.new/usr/lib/modules" "$debian.new/lib/modules"
	mv "$debian.new" "$debian"
fi

run=$(mktemp -d "$work/run.XXXXXX")
trap 'rm -rf "$run"' EXIT
mkdir -p "$run"/tree/{bin,new,bundle/rootfs/bin}
busybox=$(find "$debian" -path '*/bin/busybox' -type f)
install -m 755 "$busybox" "$repository/build/$arch/rt" "$run/tree/bin/"
install -m 755 "$busybox" "$run/tree/bundle/rootfs/bin/"
install -m 755 "$here/guest/emulated" "$run/tree/init"
install -m 644 "$here/guest/checks" "$run/tree/checks"
(cd "$run/tree" && find . | busybox cpio -o -H newc | gzip -1) >"$run/initramfs" 2>/dev/null

command=(
	"${processor[@]}" -accel tcg -smp 1 -m 512 -nodefaults -display none -no-reboot
	-kernel "$(echo "$debian"/boot/vmlinu[xz]-*)" -initrd "$run/initramfs"
	-append "console=$console quiet panic=-1 rt.machine=$name" -chardev stdio,id=output,signal=off -serial chardev:output
)
timeout --foreground --kill-after 5 300 setpriv --pdeathsig KILL "${command[@]}" </dev/null | tr -d '\r' | tee "$run/output"
grep -q '^# { total: .* fail: 0,' "$run/output"
