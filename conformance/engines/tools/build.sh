#!/bin/bash
# Builds programs that Debian 12 lacks into build/engines/bin, in the versions of each go.mod: containerd 2 with its
# shim and ctr, a CRI client, and BuildKit.
#
#   build.sh               these
#   build.sh cri           the CRI client alone, which takes a minute
#   build.sh kubernetes    the kubelet, the API server with its etcd, and kubectl, which take longer than the rest
#   build.sh nvidia        the NVIDIA container runtime, which calls the driver by cgo
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../../build/engines
mkdir -p "$build"
build=$(cd "$build" && pwd)

go=$("$here/../../oci/toolchain.sh" "$build/go")
# An outdated toolchain fetches the one required by go.mod.
export GOPATH=$build/go GOCACHE=$build/go/cache GOFLAGS="-modcacherw ${GOFLAGS:-}" GOTOOLCHAIN=auto CGO_ENABLED=0

# build MODULE PACKAGE...: builds packages in a folder with a go.mod. ldflags: additional linker flags.
ldflags='-s -w'
build() {
	(cd "$here/$1" && "$go" build -trimpath -buildvcs=false -ldflags="$ldflags" -o "$build/bin/" "${@:2}")
}
if [ "${1:-}" = kubernetes ]; then
	release=$(cd "$here/kubernetes" && "$go" list -m -f '{{.Version}}' k8s.io/kubernetes)
	ldflags+=" -X k8s.io/component-base/version.gitVersion=$release"
	build kubernetes tool ./etcd
elif [ "${1:-}" = nvidia ]; then
	CGO_ENABLED=1 build nvidia tool
elif [ "${1:-}" = cri ]; then
	build . ./cri
else
	build . tool ./cri
	build buildkit tool
fi
