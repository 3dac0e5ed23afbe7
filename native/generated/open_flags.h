/* Generated from the kernel's headers by schema/build/kernel.ts; do not edit. */
#pragma once

#define RT_OPEN_FLAGS { \
	{0100, O_CREAT}, \
	{0200, O_EXCL}, \
	{0400, O_NOCTTY}, \
	{01000, O_TRUNC}, \
	{02000, O_APPEND}, \
	{04000, O_NONBLOCK}, \
	{0200000, O_DIRECTORY}, \
	{0400000, O_NOFOLLOW}, \
	{04010000, O_SYNC}, \
	{010000000, O_PATH}, \
}
