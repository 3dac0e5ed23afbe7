#include "signals.h"

#include "sys.h"

enum { SET_MASK = 2 /* SIG_SETMASK */, SIGNALS = 64 };

void rt_default_signals(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = {NULL, 0, NULL, 0};
	uint64_t none = 0;
	for (int signal = 1; signal <= SIGNALS; signal++)
		rt_sys(rt_sigaction, signal, &action, NULL, sizeof(action.mask));
	rt_sys(rt_sigprocmask, SET_MASK, &none, NULL, sizeof(none));
}
