/* The signal state of a newly executed program. */
#ifndef RT_SIGNALS_H
#define RT_SIGNALS_H

/* Resets all dispositions and the mask. Makes only system calls, so a child that shares its parent's memory
 * may call it. */
void rt_default_signals(void);

#endif
