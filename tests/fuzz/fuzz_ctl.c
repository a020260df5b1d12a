/* SPDX-License-Identifier: MIT */
/* A line at the control socket: it is a request of the table, or there is a word about what is wrong. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum ctl_request what = CTL_REQUESTS;
	char *line = malloc(size ? size : 1);	/* of its exact size, so that reading on is seen */
	const char *why;

	if (size)
		memcpy(line, data, size);
	why = ctl_parse(line, size, &what);
	if (!why != (what < CTL_REQUESTS) || (why && !*why))
		abort();
	free(line);
	return 0;
}
