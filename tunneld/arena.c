/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <sys/mman.h>

/* Locking follows the touch (MLOCK_ONFAULT): a buffer that is never used costs nothing. It is best effort; packets in
 * swap would be a pity, no tunnel at all would be worse. */
void *arena_map(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return NULL;
	madvise(mem, len, MADV_DONTDUMP);
	mlock2(mem, len, MLOCK_ONFAULT);
	return mem;
}

/* A page that goes back to the kernel is wiped before anybody else gets it. */
void arena_unmap(void *mem, size_t len)
{
	if (mem)
		munmap(mem, len);
}
