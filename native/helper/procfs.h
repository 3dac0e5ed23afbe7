#ifndef RT_PROCFS_H
#define RT_PROCFS_H

enum { RT_PROC_ROOT_INODE = 1 };

/* Opens the procfs mounted on /proc with O_PATH, verified to be its root. On failure a negative errno, with
 * the system call in `call`. */
int rt_open_mounted_procfs(const char **call);

#endif
