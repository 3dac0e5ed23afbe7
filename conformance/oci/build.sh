#!/bin/bash
# Builds the programs of OCI's runtime-tools, as go.mod lists them, and the directory they want to be started in.
#
#   build/oci/bin      runtimetest and one program for each of its validations
#   build/oci/start    rootfs-ARCH.tar.gz and runtimetest
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build/oci
mkdir -p "$build/start"
build=$(cd "$build" && pwd)

go=$("$here/toolchain.sh" "$build/go")
export GOPATH=$build/go GOCACHE=$build/go/cache GOFLAGS=-modcacherw GOTOOLCHAIN=local CGO_ENABLED=0
cd "$here"
"$go" build -trimpath -buildvcs=false -ldflags='-s -w' -o "$build/bin/" tool

module=$("$go" list -m -f '{{.Dir}}' github.com/opencontainers/runtime-tools)
listed=$("$go" list tool | grep --count /validation/)
found=$(find "$module/validation" -mindepth 1 -maxdepth 1 -type d ! -name util | wc -l)
[ "$listed" = "$found" ] || { echo "build.sh: go.mod lists $listed programs, the module has $found" >&2; exit 1; }
cp --update "$module"/rootfs-*.tar.gz "$build/bin/runtimetest" "$build/start/"
