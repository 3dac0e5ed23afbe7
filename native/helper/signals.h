/* What a program finds of the signals when it is executed. */
#ifndef RT_SIGNALS_H
#define RT_SIGNALS_H

/* None is ignored, caught or blocked. Only system calls: a child that shares its parent's memory may call it. */
void rt_default_signals(void);

#endif
