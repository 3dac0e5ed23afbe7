/* The helper's executable as bytes: launch.c puts them into a sealed memfd. */
	.section .rodata
	.balign 16
	.global rt_helper_start
	.global rt_helper_end
rt_helper_start:
	.incbin RT_HELPER
rt_helper_end:
	.section .note.GNU-stack, "", %progbits
