#!/bin/bash
# Installs the Debian packages named as arguments if they are missing. A trailing `?` marks a package that
# some releases lack. With INSTALL=no or OFFLINE, or without root, it only names those that are missing.
set -euo pipefail

if ! command -v dpkg-query >/dev/null && [ "${INSTALL:-}" = no ]; then
	echo "setup: needed, by the names of Debian's packages: ${*//\?/}" >&2
	exit 0
fi

missing=() perhaps=()
for name in "$@"; do
	package=${name%\?}
	status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" != installed ] || continue
	if [ "$package" = "$name" ]; then missing+=("$package"); else perhaps+=("$package"); fi
done
[ ${#missing[@]} -gt 0 ] || [ ${#perhaps[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || [ "${INSTALL:-}" = no ] || [ -n "${OFFLINE:-}" ]; then
	[ ${#missing[@]} -gt 0 ] || exit 0
	echo "setup: these Debian packages are needed, install them as root: ${missing[*]}" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Another apt, such as that of unattended upgrades, may be at work.
wait=(--option DPkg::Lock::Timeout=600)
apt-get "${wait[@]}" update --quiet=2
for package in "${perhaps[@]}"; do
	[ -z "$(apt-cache pkgnames "$package" | grep --line-regexp --fixed-strings "$package")" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
apt-get "${wait[@]}" install --yes --quiet=2 --no-install-recommends "${missing[@]}" </dev/null >/dev/null
