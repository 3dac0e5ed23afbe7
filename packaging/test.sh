#!/bin/bash
# Installs the Debian package of build/dist in a new Debian, runs a container with it, removes it, and looks for what is
# left; then the packages of npm, and lintian. usage: test.sh 12|13
set -euo pipefail
cd "$(dirname "$0")/.."
declare -A suites=([12]=bookworm [13]=trixie)
suite=${suites[${1:?usage: test.sh 12|13}]}
[ "$(id -u)" = 0 ] || { echo 'test-packages: needs root' >&2 && exit 1; }
native/setup/packages.sh mmdebstrap debian-archive-keyring

work=$(mktemp -d "$PWD/build/packages-XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '/\/debian\/?$/ && !found { print; found = 1 }')

# usage: debian DIRECTORY PACKAGE: a minimal Debian with a package. mmdebstrap passes a descriptor to dash,
# which knows no number above 9: those of make are closed.
debian() {
	mmdebstrap --quiet --mode=root --variant=minbase --include="$2" --aptopt='APT::Install-Recommends "false"' \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$suite" "$1" \
		"deb ${mirror:-http://deb.debian.org/debian} $suite main" >&2 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
	cp build/dist/oci-rt_*_"$(dpkg --print-architecture)".deb "$1/oci-rt.deb"
}

# usage: inside ROOT COMMAND: with ROOT as the root of a mount namespace. After chroot(2) alone, exec of any runtime would
# enter the root of the namespace, which is this machine's.
inside() {
	unshare --mount --pid --fork --kill-child bash -euc '
		root=$1 && shift
		mount --bind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/tmp"
		mount -t tmpfs tmpfs "$root/run"
		cd "$root"
		pivot_root . mnt
		umount --lazy /mnt
		exec "$@"' - "$@"
}

debian "$work/root" busybox-static
cp packaging/installed.sh "$work/root/installed.sh"
files() { (cd "$work/root" && find . -xdev ! -path './var/log/*' ! -path './var/cache/*' ! -path './var/lib/dpkg/*-old' | sort); }
files >"$work/before"
inside "$work/root" bash /installed.sh | sed "s/^/Debian $1: /"
files >"$work/after"
diff "$work/before" "$work/after" || { echo "test-packages: these files are left on Debian $1" >&2 && exit 1; }
echo "Debian $1: nothing left"

# The Node of this machine: that of Debian 12 is too old, and would bring a compiler.
node=$(realpath "$(command -v node)") npm=$(realpath "$(command -v npm)")
mkdir -p "$work/root/npm" "$work/root/usr/local/lib"
cp "$node" "$work/root/usr/local/bin/node"
cp -r "${npm%/bin/*}" "$work/root/usr/local/lib/npm"
for name in npm npx; do ln -s "../lib/npm/bin/$name-cli.js" "$work/root/usr/local/bin/$name"; done
cp build/dist/oci-rt-{rt,linux-"$(node --print process.arch)"}-*.tgz "$work/root/npm"
cp packaging/installed-npm.sh "$work/root/installed-npm.sh"
inside "$work/root" bash /installed-npm.sh | sed "s/^/Debian $1: /"

debian "$work/lintian" lintian
inside "$work/lintian" lintian --allow-root --fail-on error --info /oci-rt.deb
echo "Debian $1: lintian reports no error"
