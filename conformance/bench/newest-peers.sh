#!/bin/bash
# Provides the crun and runc of Debian sid as build/peers/crun and build/peers/runc, with their libraries beside them, so that
# nothing of this machine changes.
set -euo pipefail
cd "$(dirname "$0")/../.."
native/setup/packages.sh patchelf
peers=$PWD/build/peers
rm -rf "$peers"
native/setup/debian.sh "$peers.new" sid "$(dpkg --print-architecture)" libc6 crun crun! runc runc! >&2
libraries=$(dirname "$(find "$peers.new" -name libc.so.6)")
loader=$(find "$libraries" -name 'ld-linux-*.so.*')
for name in crun runc; do
	file=$(find "$peers.new/usr" -path "*bin/$name" -type f)
	patchelf --force-rpath --set-rpath "${libraries/$peers.new/$peers}" --set-interpreter "${loader/$peers.new/$peers}" "$file"
	mv "$file" "$peers.new/$name"
done
mv "$peers.new" "$peers"
