/* SPDX-License-Identifier: MIT */
/*
 * The engine: the process that reads what the network and UAPI clients send, and that for this reason may do nothing
 * else. It is this executable again, run by the parent, so that it shares no memory with root code.
 */
#ifndef ENGINE_H
#define ENGINE_H

enum { ENGINE_CHANNEL = 3 };	/* the descriptor of the channel to the parent, a SOCK_SEQPACKET */

/* Runs until the parent says stop or is gone, or the interface is. The exit status: 0, or 1 after an error, logged. */
int engine_main(void);

#endif
