#!/bin/bash
# Creates build/arm64/musl-gcc, the musl-gcc for arm64.
#
# Combines Debian's cross compiler with Debian 13's musl for arm64.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$PWD/build/arm64/musl
native/setup/debian.sh "$work" trixie arm64 musl-dev

include=$work/usr/include/aarch64-linux-musl
library=$work/usr/lib/aarch64-linux-musl
# Like Debian's own for arm64, but with these directories and only for static programs.
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
cat >build/arm64/musl-gcc <<-END
	#!/bin/sh
	exec "\${REALGCC:-aarch64-linux-gnu-gcc}" "\$@" -specs "$work/gcc.specs"
END
chmod 755 build/arm64/musl-gcc
