/* SPDX-License-Identifier: MIT */
/* Answers on the UAPI socket, cut in any way. First byte: seed of the cuts. */
#include "uapi_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uapi_diff(UAPI_ANSWERS, data, size);
	return 0;
}
