#ifndef RT_PROCFS_H
#define RT_PROCFS_H

enum { RT_PROC_ROOT_INODE = 1 };

/* An O_PATH descriptor of the procfs that is mounted on /proc, verified to be its root: or a negative errno, with the
 * system call in `call`. */
int rt_open_mounted_procfs(const char **call);

#endif
