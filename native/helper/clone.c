#include "clone.h"
#include "machine.h"

__asm__(RT_CLONE_ASSEMBLY);
