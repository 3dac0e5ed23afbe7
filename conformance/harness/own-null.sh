#!/bin/sh
# Runs a command with a private /dev/null: crun changes the owner of a container's standard streams, which with
# /dev/null would be the machine's device node. The caller must be in a new mount namespace.
#
#   own-null.sh COMMAND [ARGUMENT]...
set -eu
directory=$(mktemp -d)
mount -t tmpfs tmpfs "$directory"
mknod "$directory/null" c 1 3
chmod 666 "$directory/null"
mount --bind "$directory/null" /dev/null
umount "$directory"
rmdir "$directory"
exec "$@"
