#!/bin/bash
# Installs the packages of package-lock.json in node_modules. With OFFLINE, checks that they are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${OFFLINE:-}" ]; then
	npm ci --no-audit --no-fund --loglevel=error
elif ! npm ls --all >/dev/null 2>&1; then
	echo "setup: node_modules lacks packages of package-lock.json: make fetch downloads them" >&2
	exit 1
fi
