#!/bin/bash
# Builds what Debian 12 has not, as each go.mod lists it, into build/engines/bin: containerd 2 with its shim and ctr, a
# client of the container runtime interface, and BuildKit.
#
#   build.sh            these
#   build.sh kubelet    the kubelet of Kubernetes, which takes as long as all the others
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../../build/engines
mkdir -p "$build"
build=$(cd "$build" && pwd)

go=$("$here/../../oci/toolchain.sh" "$build/go")
# A toolchain that is too old fetches the one that go.mod asks for.
export GOPATH=$build/go GOCACHE=$build/go/cache GOFLAGS="-modcacherw ${GOFLAGS:-}" GOTOOLCHAIN=auto CGO_ENABLED=0

# build MODULE PACKAGE...: a folder with a go.mod, and what is built of it.
build() {
	(cd "$here/$1" && "$go" build -trimpath -buildvcs=false -ldflags='-s -w' -o "$build/bin/" "${@:2}")
}
if [ "${1:-}" = kubelet ]; then
	build kubelet tool
else
	build . tool ./cri
	build buildkit tool
fi
