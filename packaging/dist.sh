#!/bin/bash
# Packs the built rt (`make dist`): tarball, Debian, RPM and npm packages, list of components and checksums. Variables:
# ARCH (Debian's name), VERSION, OUT (the directory of the built rt), SOURCE_DATE_EPOCH, MAKE. DEBFULLNAME and DEBEMAIL
# name the packager, as for Debian's own tools.
set -euo pipefail
cd "$(dirname "$0")/.."
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
umask 022

dist=$PWD/build/dist
work=$(mktemp -d "$PWD/build/dist-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$dist"
packager="${DEBFULLNAME:-The authors of rt} <${DEBEMAIL:-rt@users.noreply.github.com}>"
release=1
declare -A rpm_architectures=([amd64]=x86_64 [arm64]=aarch64) cpus=([amd64]=x64 [arm64]=arm64)
rm -f "$dist"/*"$ARCH"* "$dist"/*."${rpm_architectures[$ARCH]}".rpm "$dist"/oci-rt-{rt,linux-"${cpus[$ARCH]}"}-*.tgz

# usage: install DIRECTORY NAME=VALUE...
install_to() {
	local directory=$1
	shift
	$MAKE --no-print-directory --silent install ARCH="$ARCH" DESTDIR="$directory" "$@" >/dev/null
}

# All files get the time of the sources, and the modes of an installation by root.
settle() {
	find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

name=rt-$VERSION-linux-$ARCH
install_to "$work/tar/$name" PREFIX=
install --mode=644 "$OUT/rt.spdx.json" "$work/tar/$name/share/doc/rt/"
install --mode=644 "$OUT/rt.spdx.json" "$dist/$name.spdx.json"
settle "$work/tar"
tar --create --directory "$work/tar" --sort=name --owner=0 --group=0 --numeric-owner --format=posix \
	--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime "$name" | gzip --no-name -9 >"$dist/$name.tar.gz"

# The files of both packages.
staged=$work/staged
install_to "$staged" PREFIX=/usr NAME=oci-rt
install --mode=644 "$OUT/rt.spdx.json" "$staged/usr/share/doc/oci-rt/"
gzip --no-name -9 "$staged"/usr/share/man/man1/*

deb=$work/deb doc=$work/deb/usr/share/doc/oci-rt
cp -a "$staged" "$deb"
mkdir -p "$deb/usr/share/zsh/vendor-completions" "$deb/usr/share/lintian/overrides" "$deb/DEBIAN"
mv "$deb/usr/share/zsh/site-functions/_oci-rt" "$deb/usr/share/zsh/vendor-completions/"
rmdir "$deb/usr/share/zsh/site-functions"
install --mode=644 packaging/lintian-overrides "$deb/usr/share/lintian/overrides/oci-rt"
gzip --no-name -9 <CHANGELOG.md >"$doc/changelog.gz"
rm "$doc/CHANGELOG.md" "$doc/LICENSE"
{
	printf 'oci-rt (%s-%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n' "$VERSION" "$release"
	printf ' -- %s  %s\n' "$packager" "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")"
} | gzip --no-name -9 >"$doc/changelog.Debian.gz"
{
	sed -n '1,/^Copyright/p' "$doc/NOTICE"
	printf '\nLicensed under the Apache License, Version 2.0, which is in /usr/share/common-licenses/Apache-2.0 on Debian.\n'
	printf 'The program holds parts of other works, under the licences below.\n\n'
	sed -n '/^=====/,$p' "$doc/NOTICE"
} >"$doc/copyright"
rm "$doc/NOTICE"
cat >"$deb/DEBIAN/control" <<-END
	Package: oci-rt
	Version: $VERSION-$release
	Architecture: $ARCH
	Maintainer: $packager
	Installed-Size: $(du --summarize --apparent-size --block-size=1024 --exclude=DEBIAN "$deb" | cut -f1)
	Suggests: criu
	Enhances: containerd, docker.io, podman
	Section: admin
	Priority: optional
	Description: low-level container runtime
	 rt runs containers as defined by the OCI runtime specification, with the
	 command line of runc. Docker, Podman, containerd and other engines can use it
	 in place of runc or crun.
	 .
	 The program is installed as oci-rt, because other packages provide an rt.
END
(cd "$deb" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
settle "$deb"
dpkg-deb --root-owner-group -Zxz --build "$deb" "$dist/oci-rt_$VERSION-${release}_$ARCH.deb" >/dev/null

if command -v rpmbuild >/dev/null; then
	settle "$staged"
	rpmbuild -bb --quiet --target "${rpm_architectures[$ARCH]}" --define "_topdir $work/rpm" --define "_rpmdir $work/rpm" \
		--define "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.$ARCH.rpm" --define "version $VERSION" --define "staged $staged" \
		packaging/oci-rt.spec >"$work/rpm.log" 2>&1 || { cat "$work/rpm.log" >&2 && exit 1; }
	mv "$work"/rpm/*.rpm "$dist/oci-rt-$VERSION-$release.${rpm_architectures[$ARCH]}.rpm"
else
	echo 'dist: no RPM package, because rpmbuild is missing (Debian has it in the package rpm)' >&2
fi

node packaging/npm.mjs "$OUT" "${cpus[$ARCH]}" "$work/npm" "$dist" >&2

cd "$dist"
rm -f SHA256SUMS
sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .
cat SHA256SUMS
