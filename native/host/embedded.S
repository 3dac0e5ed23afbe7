/* The helper's executable, which launch.c copies into a sealed memfd. Sanitizer builds also embed the
 * program's byte code. */
	.section .rodata
	.balign 16
	.global rt_helper_start
	.global rt_helper_end
rt_helper_start:
	.incbin RT_HELPER
rt_helper_end:
#ifdef RT_CODE
	.balign 16
	.global rt_code_start
	.global rt_code_end
rt_code_start:
	.incbin RT_CODE
rt_code_end:
#endif
	.section .note.GNU-stack, "", %progbits
