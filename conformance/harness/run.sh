#!/bin/sh
# Runs conformance cases in a new mount namespace, so that leftover mounts are detected and vanish afterwards.
#
#   harness/run.sh [tap option or case file]...        RT_RUNTIMES=rt,node (default) or runc, crun, a path
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "run.sh: conformance cases need root" >&2; exit 1; }

if [ -z "${RT_IN_NAMESPACE:-}" ]; then
	# crun refuses a hybrid host whose v2 hierarchy has controllers, so it gets them as v1.
	case ,${RT_RUNTIMES:-}, in
	*crun*) set -- "$here/harness/own-null.sh" "$here/harness/with-controllers.sh" hugetlb,rdma,misc "$0" "$@" ;;
	*) set -- "$0" "$@" ;;
	esac
	exec env RT_IN_NAMESPACE=1 unshare --mount --propagation private "$@"
fi
files=
for word in "$@"; do
	case $word in *.test.ts) files=1 ;; esac
done
[ -n "$files" ] || set -- "$@" "$here"/cases/*.test.ts "$here"/attacks/*.test.ts
cd "$here/.."
# The Node installed by setup if the system's is too old.
PATH=$PWD/build/toolchain/bin:$PATH
exec node_modules/.bin/tap run "$@"
