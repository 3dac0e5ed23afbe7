/* Output helpers shared by the probe's verbs. */
#define _GNU_SOURCE
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void put_outcome(long result)
{
	if (result >= 0) {
		puts("{\"errno\":null}");
		return;
	}
	const char *name = strerrorname_np(errno);

	printf("{\"errno\":\"%s\"}\n", name ? name : "?");
}

char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	size_t size = 0, room = 4096;
	char *text = malloc(room + 1);

	for (;;) {
		ssize_t got = read(fd, text + size, room - size);
		if (got < 0) {
			int saved = errno;
			free(text);
			close(fd);
			errno = saved;
			return NULL;
		}
		if (got == 0)
			break;
		size += (size_t)got;
		if (size == room) {
			room *= 2;
			text = realloc(text, room + 1);
		}
	}
	text[size] = '\0';
	close(fd);
	return text;
}
