#!/bin/bash
# Builds what Debian 12 has not, as each go.mod lists it, into build/engines/bin: containerd 2 with its shim and ctr, a
# client of the container runtime interface, and BuildKit.
#
#   build.sh               these
#   build.sh kubernetes    the kubelet, the API server with its etcd, and kubectl, which take longer than all the others
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../../build/engines
mkdir -p "$build"
build=$(cd "$build" && pwd)

go=$("$here/../../oci/toolchain.sh" "$build/go")
# A toolchain that is too old fetches the one that go.mod asks for.
export GOPATH=$build/go GOCACHE=$build/go/cache GOFLAGS="-modcacherw ${GOFLAGS:-}" GOTOOLCHAIN=auto CGO_ENABLED=0

# build MODULE PACKAGE...: a folder with a go.mod, and what is built of it. ldflags: more for the linker.
ldflags='-s -w'
build() {
	(cd "$here/$1" && "$go" build -trimpath -buildvcs=false -ldflags="$ldflags" -o "$build/bin/" "${@:2}")
}
if [ "${1:-}" = kubernetes ]; then
	release=$(cd "$here/kubernetes" && "$go" list -m -f '{{.Version}}' k8s.io/kubernetes)
	ldflags+=" -X k8s.io/component-base/version.gitVersion=$release"
	build kubernetes tool ./etcd
else
	build . tool ./cri
	build buildkit tool
fi
