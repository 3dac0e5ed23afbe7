#!/bin/bash
# Prints the path of a `go` recent enough for this folder's go.mod (tool dependencies need 1.24): the one on PATH, else
# Debian's, else the toolchain from the Go module proxy, fetched with Debian's.
#
#   toolchain.sh DIRECTORY      DIRECTORY receives downloads (GOPATH)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
release=go1.24.11

recent() {
	local version
	version=$("$1" env GOVERSION 2>/dev/null) || return 1
	printf '%s\n' go1.24 "$version" | sort --version-sort --check=quiet
}

path=$(command -v go || true)
if [ -z "$path" ] || ! recent "$path"; then
	"$here/../../native/setup/packages.sh" golang-go >&2
	path=/usr/bin/go
fi
if ! recent "$path"; then
	case $(uname -m) in
	x86_64) platform=linux-amd64 ;;
	aarch64) platform=linux-arm64 ;;
	*) echo "toolchain.sh: no Go >= 1.24 for $(uname -m); install one and run make again" >&2 && exit 1 ;;
	esac
	module=golang.org/toolchain@v0.0.1-$release.$platform
	GOPATH=$1 GOFLAGS=-modcacherw "$path" mod download "$module" >&2
	# The module cache drops execute permissions; newer Go releases set them themselves.
	chmod -R a+x "$1/pkg/mod/$module/bin" "$1/pkg/mod/$module/pkg/tool"
	path=$1/pkg/mod/$module/bin/go
fi
echo "$path"
