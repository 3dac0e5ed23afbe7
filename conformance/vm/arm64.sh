#!/bin/bash
# Runs build/arm64/rt in an emulated arm64 machine; prints TAP. usage: arm64.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$repository/build/vm
"$repository/native/setup/packages.sh" qemu-system-arm busybox-static
# Debian 12's kernel for virtual machines; the directory exists only when complete.
debian=$work/arm64
if [ ! -e "$debian" ]; then
	"$repository/native/setup/debian.sh" "$debian.new" bookworm arm64 linux-image-cloud-arm64! busybox-static >&2
	rm -rf "$debian.new/usr/lib/modules" "$debian.new/lib/modules"
	mv "$debian.new" "$debian"
fi

run=$(mktemp -d "$work/run.XXXXXX")
trap 'rm -rf "$run"' EXIT
mkdir -p "$run"/tree/{bin,new,bundle/rootfs/bin}
busybox=$(find "$debian" -path '*/bin/busybox' -type f)
install -m 755 "$busybox" "$repository/build/arm64/rt" "$run/tree/bin/"
install -m 755 "$busybox" "$run/tree/bundle/rootfs/bin/"
install -m 755 "$here/guest/arm64" "$run/tree/init"
install -m 644 "$here/guest/checks" "$run/tree/checks"
(cd "$run/tree" && find . | busybox cpio -o -H newc | gzip -1) >"$run/initramfs" 2>/dev/null

machine=(
	qemu-system-aarch64 -accel tcg -M virt -cpu max,pauth=off -smp 1 -m 512 -nodefaults -display none -no-reboot
	-kernel "$debian"/boot/vmlinuz-* -initrd "$run/initramfs"
	-append "console=ttyAMA0 quiet panic=-1" -chardev stdio,id=output,signal=off -serial chardev:output
)
timeout --foreground --kill-after 5 300 setpriv --pdeathsig KILL "${machine[@]}" </dev/null | tr -d '\r' | tee "$run/output"
grep -q '^# { total: .* fail: 0,' "$run/output"
