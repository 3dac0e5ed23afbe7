/* See await_start.c. */
#pragma once

/* The words of the command line for another execution; NULL in Node, which cannot be executed again. */
extern char **rt_arguments;

/* Waits as awaitStartLeanly had it, if this is the process that it executed. */
void rt_await_leanly(void);

/* Blocks all signals; those that were caught and not yet forwarded are pending again. */
void rt_hold_signals(void);
/* Catches them again. */
void rt_release_signals(void);
