#!/bin/bash
# Fetches CRIU with its libraries into build/criu; build/criu/criu starts it.
#
#   criu.sh [SUITE DIRECTORY]      that of another suite than Debian 13, into another directory
#
# Debian 12's does not start on current kernels and does not support no_new_privs. apt uses private directories, as in
# quickjs.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -z "${OFFLINE:-}" ] || { echo "setup: criu is missing, which needs the network" >&2 && exit 1; }

suite=${1:-trixie} work=$PWD/${2:-build/criu}
rm -rf "$work"
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/debs" "$work/root"

mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '/\/debian\/?$/ && !found { print; found = 1 }')
mirror=${mirror:-http://deb.debian.org/debian}
cat >"$work/apt/debian.sources" <<-END
	Types: deb
	URIs: $mirror
	Suites: $suite
	Check-Valid-Until: $([ "$suite" = sid ] && echo no || echo yes)
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
private=(
	-o Dir::Etc::sourcelist="$work/apt/debian.sources" -o Dir::Etc::sourceparts=/dev/null
	-o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o Dir::State::status=/dev/null
	-o APT::Sandbox::User="$(id -un)"
)
apt-get "${private[@]}" --quiet=2 update
mapfile -t packages < <(
	apt-cache "${private[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances criu | sed -n 's/^\(\w[^ ]*\)$/\1/p'
)
(cd "$work/apt/debs" && apt-get "${private[@]}" --quiet=2 download "${packages[@]}")
for package in "$work"/apt/debs/*.deb; do dpkg-deb --extract "$package" "$work/root"; done
rm -rf "$work/apt"

# Uses the packages' C library, which may be newer than the host's.
cat >"$work/criu" <<-'END'
	#!/bin/sh
	root=$(dirname "$(readlink -f "$0")")/root
	libraries=$(dirname "$(ls "$root"/usr/lib/*/libc.so.6)")
	exec "$(ls "$libraries"/ld-linux-*.so.*)" --library-path "$libraries" "$root/usr/sbin/criu" "$@"
END
chmod 755 "$work/criu"
"$work/criu" --version >/dev/null
