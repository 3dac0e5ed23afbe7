#!/bin/bash
# Creates build/ARCH/musl-gcc, which combines Debian's cross compiler with Debian 13's musl.
#
#   musl.sh ARCH MACHINE    such as arm64 aarch64
set -euo pipefail
cd "$(dirname "$0")/../.."

arch=$1 machine=$2
work=$PWD/build/$arch/musl
native/setup/debian.sh "$work" trixie "$arch" musl-dev

include=$work/usr/include/$machine-linux-musl
library=$work/usr/lib/$machine-linux-musl
# Like Debian's own musl-gcc, but with these directories and only for static programs.
cat >"$work/gcc.specs" <<-END
	%rename cpp_options old_cpp_options

	*cpp_options:
	-nostdinc -isystem $include -isystem include%s %(old_cpp_options)

	*cc1:
	%(cc1_cpu) -nostdinc -isystem $include -isystem include%s

	*link_libgcc:
	-L$library -L .%s

	*libgcc:
	libgcc.a%s

	*startfile:
	$library/crt1.o $library/crti.o crtbeginT.o%s

	*endfile:
	crtend.o%s $library/crtn.o

	*link:
	-nostdlib -static

	*esp_link:


	*esp_options:


	*esp_cpp_options:


END
cat >"build/$arch/musl-gcc" <<-END
	#!/bin/sh
	exec "\${REALGCC:-$machine-linux-gnu-gcc}" "\$@" -specs "$work/gcc.specs"
END
chmod 755 "build/$arch/musl-gcc"
