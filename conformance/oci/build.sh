#!/bin/bash
# Builds OCI's runtime-tools in the versions of go.mod, and the working directory that they require.
#
#   build/oci/bin      runtimetest and one program for each of its validations
#   build/oci/start    rootfs-ARCH.tar.gz and runtimetest
#   build/oci/mended   the same folders for the programs in mends.tsv, with its changes applied
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build/oci
mkdir -p "$build/start" "$build/mended/start"
build=$(cd "$build" && pwd)

go=$("$here/toolchain.sh" "$build/go")
export GOPATH=$build/go GOCACHE=$build/go/cache GOFLAGS=-modcacherw GOTOOLCHAIN=local CGO_ENABLED=0
options=(-trimpath -buildvcs=false '-ldflags=-s -w')
cd "$here"
"$go" build "${options[@]}" -o "$build/bin/" tool

name=github.com/opencontainers/runtime-tools
module=$("$go" list -m -f '{{.Dir}}' "$name")
listed=$("$go" list tool | grep --count /validation/)
found=$(find "$module/validation" -mindepth 1 -maxdepth 1 -type d ! -name util | wc -l)
[ "$listed" = "$found" ] || { echo "build.sh: go.mod lists $listed programs, the module has $found" >&2; exit 1; }
cp --update "$module"/rootfs-*.tar.gz "$build/bin/runtimetest" "$build/start/"

# A change that does not match is an error: the table quotes the original lines.
mended=$build/mended
rm -rf "${mended:?}/module" "${mended:?}/bin"
mkdir -p "$mended/bin"
cp -r --no-preserve=mode "$module" "$mended/module"
standard=$("$go" env GOROOT)/src
for file in $(grep -o '^syscall/[^[:blank:]]*' mends.tsv | sort -u); do
	mkdir -p "$mended/module/$(dirname "$file")"
	cp "$standard/$file" "$mended/module/$file"
	printf '{"Replace": {"%s": "%s"}}\n' "$standard/$file" "$mended/module/$file" >"$mended/overlay.json"
done
while IFS=$'\t' read -r file line change _; do
	before=$(sha256sum "$mended/module/$file")
	sed -i "${line#0}{$change}" "$mended/module/$file"
	[ "$before" != "$(sha256sum "$mended/module/$file")" ] ||
		{ echo "build.sh: $file:$line: '$change' changes nothing" >&2; exit 1; }
done < <(grep -v '^#' mends.tsv)
cp go.mod go.sum "$mended/"
"$go" mod edit -replace "$name=$mended/module" "$mended/go.mod"
mapfile -t programs < <(grep -v '^#' mends.tsv | cut -f 4 | tr ' ' '\n' | sort -u)
"$go" build "${options[@]}" -modfile "$mended/go.mod" -overlay "$mended/overlay.json" -o "$mended/bin/" \
	"${programs[@]/#/$name/validation/}" "$name/cmd/runtimetest"
cp --update "$module"/rootfs-*.tar.gz "$mended/bin/runtimetest" "$mended/start/"
