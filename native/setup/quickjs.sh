#!/bin/bash
# Fetches Debian 13's QuickJS source into build/quickjs/source.
#
# Built from source on every Debian: Debian 12 has no libquickjs, and Debian 13's library is not compiled for fast
# startup. apt reads Debian 13's package index with private directories; the system's apt configuration is only
# read, to find its mirror.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=2025.04.26
checksum=ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe
archive=quickjs_$version.orig.tar.xz

work=$PWD/build/quickjs
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/fetched"

if ! echo "$checksum  $work/fetched/$archive" | sha256sum --check --status 2>/dev/null; then
	[ -z "${OFFLINE:-}" ] || { echo "setup: $work/fetched/$archive is missing: make fetch downloads it" >&2 && exit 1; }
	mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '/\/debian\/?$/ && !found { print; found = 1 }')
	mirror=${mirror:-http://deb.debian.org/debian}
	cat >"$work/apt/debian.sources" <<-END
		Types: deb-src
		URIs: $mirror
		Suites: trixie
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	END
	private=(
		-o Dir::Etc::sourcelist="$work/apt/debian.sources" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache"
		-o APT::Sandbox::User="$(id -un)"
	)
	apt-get "${private[@]}" --quiet=2 update
	(cd "$work/fetched" && apt-get "${private[@]}" --quiet=2 source --download-only quickjs)
	echo "$checksum  $work/fetched/$archive" | sha256sum --check --quiet
	rm -rf "$work/apt"
fi

rm -rf "$work/source"
mkdir "$work/source"
tar --extract --file "$work/fetched/$archive" --directory "$work/source" --strip-components 1
