/* Verbs of the probe that have a file of their own, and what they share. */
#ifndef VERBS_H
#define VERBS_H

/* How a wrong call of the probe itself ends. */
#define BAD_CALL 99

/* {"errno": NAME} for a call that returned `result` and left errno behind. */
void put_outcome(long result);

/* Whole text of a file, or NULL with errno set. The caller frees it. */
char *read_text(const char *path);

/* On the host, instead of a verb: the exit status. */
int run_exchange(char **args);
int run_refuse(char **args);
int run_keyring(char **args);
int run_subreaper(char **args);

void verb_absorb(char **args);
void verb_breed(char **args);
void verb_chmod(char **args);
void verb_clocks(char **args);
void verb_converse(char **args);
void verb_create(char **args);
void verb_cwd(char **args);
void verb_emit(char **args);
void verb_env(char **args);
void verb_evade(char **args);
void verb_exec(char **args);
void verb_fds(char **args);
void verb_forge(char **args);
void verb_fork(char **args);
void verb_getxattr(char **args);
void verb_i386(char **args);
void verb_ids(char **args);
void verb_list(char **args);
void verb_lock(char **args);
void verb_memhog(char **args);
void verb_mempolicy(char **args);
void verb_mkdir(char **args);
void verb_mknod(char **args);
void verb_mount(char **args);
void verb_nest(char **args);
void verb_ns(char **args);
void verb_open(char **args);
void verb_read(char **args);
void verb_report(char **args);
void verb_rlimits(char **args);
void verb_sched(char **args);
void verb_setxattr(char **args);
void verb_spy(char **args);
void verb_stat(char **args);
void verb_steal(char **args);
void verb_swarm(char **args);
void verb_syscall(char **args);
void verb_thief(char **args);
void verb_thread(char **args);
void verb_tty(char **args);
void verb_umount(char **args);
void verb_unlink(char **args);
void verb_uts(char **args);
void verb_watch(char **args);
void verb_winch(char **args);
void verb_write(char **args);

#endif
