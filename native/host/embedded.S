/* The helper's executable, which launch.c copies into a sealed memfd, and the JSON schema that `spec --schema` prints: here
 * it costs nothing until then. Sanitizer builds also embed the program's byte code. */
	.section .rodata
	.balign 16
	.global rt_helper_start
	.global rt_helper_end
rt_helper_start:
	.incbin RT_HELPER
rt_helper_end:
	.global rt_schema_start
	.global rt_schema_end
rt_schema_start:
	.incbin RT_SCHEMA
rt_schema_end:
#ifdef RT_CODE
	.balign 16
	.global rt_code_start
	.global rt_code_end
rt_code_start:
	.incbin RT_CODE
rt_code_end:
#endif
	.section .note.GNU-stack, "", %progbits
