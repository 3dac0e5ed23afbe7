/* Verbs of the probe that have a file of their own. */
#ifndef VERBS_H
#define VERBS_H

void verb_absorb(char **args);
void verb_converse(char **args);
void verb_emit(char **args);
void verb_lock(char **args);
void verb_report(char **args);
void verb_spy(char **args);
void verb_tty(char **args);
void verb_winch(char **args);

#endif
