/* The native functions as an object of the QuickJS engine. */
#ifndef RT_BINDING_H
#define RT_BINDING_H

#include "quickjs.h"

/* An object with one method for each entry of rt_functions. */
JSValue rt_native_object(JSContext *context);

#endif
