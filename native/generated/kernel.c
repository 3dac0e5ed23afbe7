/* Generated from the kernel's headers by schema/build/kernel.ts; do not edit.
 * The numbers of src/kernel, which are those of every architecture that this compiles for. */
#include <asm/errno.h>
#include <sys/stat.h>

_Static_assert((EPERM) == 1, "EPERM");
_Static_assert((ENOENT) == 2, "ENOENT");
_Static_assert((ESRCH) == 3, "ESRCH");
_Static_assert((ENXIO) == 6, "ENXIO");
_Static_assert((ENOEXEC) == 8, "ENOEXEC");
_Static_assert((EBADF) == 9, "EBADF");
_Static_assert((EAGAIN) == 11, "EAGAIN");
_Static_assert((EACCES) == 13, "EACCES");
_Static_assert((EBUSY) == 16, "EBUSY");
_Static_assert((EEXIST) == 17, "EEXIST");
_Static_assert((ENODEV) == 19, "ENODEV");
_Static_assert((ENOTDIR) == 20, "ENOTDIR");
_Static_assert((EISDIR) == 21, "EISDIR");
_Static_assert((EINVAL) == 22, "EINVAL");
_Static_assert((EFBIG) == 27, "EFBIG");
_Static_assert((EPIPE) == 32, "EPIPE");
_Static_assert((EDEADLK) == 35, "EDEADLK");
_Static_assert((ENOSYS) == 38, "ENOSYS");
_Static_assert((ENOTEMPTY) == 39, "ENOTEMPTY");
_Static_assert((ELOOP) == 40, "ELOOP");
_Static_assert((EOPNOTSUPP) == 95, "EOPNOTSUPP");
_Static_assert((EADDRINUSE) == 98, "EADDRINUSE");
_Static_assert((ECONNRESET) == 104, "ECONNRESET");
_Static_assert((ETIMEDOUT) == 110, "ETIMEDOUT");
_Static_assert((ECONNREFUSED) == 111, "ECONNREFUSED");
_Static_assert((S_IFMT) == 61440, "S_IFMT");
_Static_assert((S_IFIFO) == 4096, "S_IFIFO");
_Static_assert((S_IFCHR) == 8192, "S_IFCHR");
_Static_assert((S_IFDIR) == 16384, "S_IFDIR");
_Static_assert((S_IFBLK) == 24576, "S_IFBLK");
_Static_assert((S_IFREG) == 32768, "S_IFREG");
_Static_assert((S_IFLNK) == 40960, "S_IFLNK");
