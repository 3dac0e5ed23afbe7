#!/bin/bash
# Builds the sources twice, in two directories and two surroundings, and compares the outputs. Both builds use this
# tree's downloads.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$PWD/build/reproducible
trap 'rm -rf "$work"' EXIT
rm -rf "$work"

# usage: copy DIRECTORY
copy() {
	mkdir -p "$1/build/quickjs" "$1/build/stamps"
	if [ -e .git ]; then git ls-files -z --cached --others --exclude-standard; else find . -path ./build -prune -o -path ./node_modules -prune -o -type f -print0; fi |
		xargs -0 cp --parents --target-directory="$1"
	cp -al node_modules "$1/node_modules"
	cp -al build/quickjs/fetched "$1/build/quickjs/fetched"
	[ ! -e build/toolchain ] || cp -al build/toolchain "$1/build/toolchain"
	touch "$1/build/stamps/node-modules"
}

# Without network, if that is allowed.
unshare=()
! unshare --net true 2>/dev/null || unshare=(unshare --net)

# usage: build DIRECTORY NAME=VALUE...
build() {
	local directory=$1
	shift
	echo "building in ${directory#"$PWD/"}, with umask $(umask)"
	(cd "$directory" && ${unshare[@]+"${unshare[@]}"} env --unset=MAKEFLAGS --unset=MAKELEVEL "$@" make OFFLINE=1 build dist >build/log 2>&1) ||
		{ tail -n 20 "$directory/build/log" >&2 && exit 1; }
}

# In build order, so the first that differs is the cause of those after it.
parts=(helper rt-unsealed rt.js rt node/rt.node node/rt.js node/program.js node/index.mjs types man completion dist)
one=$work/one two=$work/two/in/another/place
same=("SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:?}" "COMMIT=$(git describe --always --dirty 2>/dev/null || echo unknown)")
(umask 022 && copy "$one")
(umask 077 && copy "$two")
(umask 022 && build "$one" "${same[@]}" TZ=UTC LC_ALL=C)
(umask 077 && ulimit -s 16384 && build "$two" "${same[@]}" TZ=Asia/Kathmandu LC_ALL=C.UTF-8 HOME="$work/home" \
	MAKEFLAGS=-j2 "FILLER=$(head --bytes=60000 /dev/zero | tr '\0' x)")

# usage: sums PART: the checksum of each of its files
sums() { find "build/$1" -type f | sort | xargs sha256sum; }

differ=0
for part in "${parts[@]}"; do
	left=$(cd "$one" && sums "$part") right=$(cd "$two" && sums "$part")
	if [ "$left" = "$right" ]; then
		case $left in *$'\n'*) left="$(sha256sum <<<"$left" | cut -d ' ' -f 1)  build/$part: $(wc -l <<<"$left") files" ;; esac
		echo "same     $left"
	else
		differ=1
		{ diff <(echo "$left") <(echo "$right") || true; } | sed -n 's/^[<>] \S* *//p' | sort -u | while read -r file; do
			echo "DIFFERS  $file: $(cmp "$one/$file" "$two/$file" 2>&1 | sed 's/.* differ: //') is the first of" \
				"$( (cmp -l "$one/$file" "$two/$file" 2>/dev/null || true) | wc -l) bytes"
		done
	fi
done
[ "$differ" = 0 ] || { echo 'check-reproducible: the first of these that differs is the cause of those after it' >&2 && exit 1; }
