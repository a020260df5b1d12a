/* SPDX-License-Identifier: MIT */
/* The parent's judgement of what an engine that was taken over may send. First byte: side and number of descriptors. */
#include <stdlib.h>
#include <string.h>

#include "../../tunneld/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg m = { .type = UINT32_MAX };
	enum msg_side side;

	if (size < 1)
		return 0;
	side = data[0] & 1 ? MSG_FROM_ENGINE : MSG_FROM_PARENT;
	if (msg_parse(side, data + 1, size - 1, data[0] >> 1, &m) == 0) {
		/* What was accepted flows this way, and says as many descriptors as there are. */
		if ((m.type >= MSG_READY) != (side == MSG_FROM_ENGINE) || m.fds > MSG_FDS)
			abort();
		if (m.type == MSG_START && strnlen(m.body.start.name, IFNAMSIZ) == IFNAMSIZ)
			abort();
		if (m.type == MSG_SOCKETS && m.fds % (m.body.sockets.has4 + m.body.sockets.has6 ?: 1))
			abort();
	} else if (m.type != UINT32_MAX) {
		abort();	/* refused, yet something was written */
	}
	return 0;
}
