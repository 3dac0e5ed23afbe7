#!/bin/sh
# Runs a command with a /dev/null of its own: crun gives the standard streams of a container to its user, and who starts
# it with /dev/null hands the machine's over. The caller has a mount namespace of its own.
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
