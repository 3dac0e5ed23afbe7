#!/bin/bash
# Boots a machine that has only its initial RAM filesystem, with a script of guest/ as its first process; prints TAP.
#
#   initramfs.sh RELEASE            --no-pivot: pivot_root(2) cannot replace that filesystem
#   initramfs.sh RELEASE too-old    a kernel that lacks calls which rt needs
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$repository/build/vm
script=${2:-initramfs}
"$here/setup.sh" "$1" amd64 kernel
(cd "$repository" && node --import=tsx --eval \
	"import('./conformance/harness/guest.ts').then((guest) => guest.compileGuestPrograms())")

run=$(mktemp -d "$work/run.XXXXXX")
trap 'rm -rf "$run"' EXIT
mkdir -p "$run"/tree/{bin,dev,proc,sys,run,bundle/rootfs/bin}
install -m 755 /bin/busybox "$repository/build/rt" "$run/tree/bin/"
install -m 755 "$here/guest/$script" "$run/tree/init"
install -m 644 "$here/guest/checks" "$run/tree/checks"
install -m 755 /bin/busybox "$repository/build/conformance/probe" "$run/tree/bundle/rootfs/bin/"
touch "$run/tree/bundle/rootfs/mark"
(cd "$run/tree" && find . | busybox cpio -o -H newc | gzip -1) >"$run/initramfs" 2>/dev/null

machine=(
	qemu-system-x86_64 -accel tcg -M q35 -cpu max -smp 1 -m 512 -nodefaults -display none -no-reboot
	-kernel "$work/kernel-$1/vmlinuz" -initrd "$run/initramfs"
	-append "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off" -chardev stdio,id=output,signal=off -serial chardev:output
)
timeout --foreground --kill-after 5 300 setpriv --pdeathsig KILL "${machine[@]}" </dev/null | tr -d '\r' | tee "$run/output"
grep -q '^# { total: .* fail: 0,' "$run/output"
