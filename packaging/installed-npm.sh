#!/bin/bash
# Inside a clean Debian with Node, as root: installs the packages in /npm without a registry, and runs containers by each of
# their ways.
set -euo pipefail

! command -v cc gcc make >/dev/null || { echo 'there is a compiler' >&2 && exit 1; }
unset NODE_EXTRA_CA_CERTS
export HOME=/tmp npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false
mkdir /tmp/project
cd /tmp/project
echo '{ "private": true, "type": "module" }' >package.json
npm install --offline --silent /npm/oci-rt-*.tgz
npx rt --version | head -n 1

mkdir bundle
id=rt-npm-test-$$-$RANDOM
npx oci-rt spec --bundle bundle --busybox --no-terminal hostname
for program in rt oci-rt; do
	[ "$(npx "$program" run --bundle bundle "$id")" = rt ]
	echo "npx $program: a container has its hostname"
done

cat >use.mjs <<'END'
import { AsyncRuntime, Runtime, validate } from '@oci-rt/rt';
const [id] = process.argv.slice(2);
const { faults } = validate('{ "ociVersion": "1.3.0", "hostname": 7 }');
if (faults[0]?.pointer !== '/hostname') throw new Error(JSON.stringify(faults));
const runtime = new Runtime();
runtime.create(id, { bundle: 'bundle' });
const [{ status }] = await new AsyncRuntime().list();
if (status !== 'created') throw new Error(status);
runtime.start(id);
if (runtime.wait(id) !== 0) throw new Error('the program failed');
runtime.delete(id);
END
node use.mjs "$id"
node --eval "require('@oci-rt/rt').validate('{}')"
echo 'import and require: validate, create, list, start, wait, delete'
[ "$(find /run/rt -mindepth 1 2>/dev/null)" = '' ]
