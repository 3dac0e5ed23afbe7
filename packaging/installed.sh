#!/bin/bash
# Inside a clean Debian, as root: installs /oci-rt.deb, runs containers, removes it.
set -euo pipefail

dpkg --install /oci-rt.deb >/dev/null
oci-rt --version | head -n 1
! command -v rt || { echo "another name than oci-rt is in use: $(command -v rt)" >&2 && exit 1; }

mkdir /tmp/bundle
cd /tmp/bundle
oci-rt spec --busybox --no-terminal hostname
[ "$(oci-rt run "oci-rt-test-$RANDOM")" = rt ]
echo 'run: a container has its hostname'
rm config.json
oci-rt spec --no-terminal sleep 100
id=oci-rt-test-$$-$RANDOM
trap '[ ! -e /usr/bin/oci-rt ] || oci-rt delete --force "$id"' EXIT
oci-rt create "$id"
oci-rt start "$id"
[[ $(oci-rt exec "$id" ps) == *'sleep 100'* ]]
echo 'exec: sees the program of the container'
oci-rt delete --force "$id"
[ "$(oci-rt list --quiet)" = '' ]
bash -c '. /usr/share/bash-completion/completions/oci-rt && complete -p oci-rt' >/dev/null
cd /

dpkg --purge oci-rt >/dev/null
[ ! -e /usr/bin/oci-rt ]
[ "$(find /run/rt -mindepth 1 2>/dev/null)" = '' ]
echo 'removed'
