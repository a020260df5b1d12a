/* SPDX-License-Identifier: MIT */
/* Requests on the UAPI socket, cut in any way. First byte: seed of the cuts. */
#include "uapi_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uapi_diff(UAPI_REQUESTS, data, size);
	return 0;
}
