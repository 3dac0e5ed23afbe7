#!/bin/bash
# Extracts packages of another Debian release or architecture into a new directory; a trailing ! means the package's
# dependencies instead. apt uses private directories, as in quickjs.sh.
#
#   debian.sh DIRECTORY SUITE ARCHITECTURE PACKAGE...
set -euo pipefail
[ -z "${OFFLINE:-}" ] || { echo "setup: $1 is missing: make fetch, with the same ARCH, downloads it" >&2 && exit 1; }
directory=$1 suite=$2 architecture=$3
shift 3

rm -rf "$directory"
mkdir -p "$directory"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"

mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '/\/debian\/?$/ && !found { print; found = 1 }')
cat >"$work/debian.sources" <<-END
	Types: deb
	URIs: ${mirror:?apt has no source of Debian}
	Suites: $suite
	Components: main
	Architectures: $architecture
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
private=(
	-o Dir::Etc::sourcelist="$work/debian.sources" -o Dir::Etc::sourceparts=/dev/null
	-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null
	-o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Sandbox::User="$(id -un)"
)
apt-get "${private[@]}" --quiet=2 update
packages=()
for name in "$@"; do
	if [ "$name" = "${name%!}" ]; then
		packages+=("$name")
	else
		mapfile -O "${#packages[@]}" -t packages < <(apt-cache "${private[@]}" depends "${name%!}" | sed -n 's/^ *Depends: \(\S*\)$/\1/p')
	fi
done
(cd "$work" && apt-get "${private[@]}" --quiet=2 download "${packages[@]}")
for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$directory"; done
