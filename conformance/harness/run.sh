#!/bin/sh
# Runs conformance cases in a mount namespace of their own, so that a mount left behind is noticed and is gone afterwards.
#
#   harness/run.sh [tap option or case file]...        RT_RUNTIMES=rt,node (default) or runc, crun, a path
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "run.sh: conformance cases need root" >&2; exit 1; }

if [ -z "${RT_IN_NAMESPACE:-}" ]; then
	exec env RT_IN_NAMESPACE=1 unshare --mount --propagation private "$0" "$@"
fi
files=
for word in "$@"; do
	case $word in *.test.ts) files=1 ;; esac
done
[ -n "$files" ] || set -- "$@" "$here"/cases/*.test.ts
cd "$here/.."
exec node_modules/.bin/tap run "$@"
