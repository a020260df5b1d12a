/* SPDX-License-Identifier: MIT */
/*
 * A missing offload is never an error: everything works without, at a sixth of the throughput in the worst case. So it
 * is said once, at the start, together with what would bring it back.
 */
#include "offload.h"

#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "log.h"

bool offload_parse(const char *text, unsigned *off)
{
	static const char between[] = ", \t";
	uint64_t bits, all = 0;

	for (text += strspn(text, between); *text; text += strspn(text, between)) {
		size_t len = strcspn(text, between);

		if (!conf_offload(text, len, &bits))
			return false;
		all |= bits;
		text += len;
	}
	*off |= (unsigned)all;
	return true;
}

unsigned offload_tun_flags(unsigned off)
{
	return (off & CONF_OFFLOAD_VNET ? TUN_PLAIN : 0) | (off & CONF_OFFLOAD_CSUM ? TUN_NO_CSUM : 0) |
	       (off & CONF_OFFLOAD_TSO ? TUN_NO_TSO : 0) | (off & CONF_OFFLOAD_USO ? TUN_NO_USO : 0) |
	       (off & CONF_OFFLOAD_URING ? TUN_NO_URING : 0);
}

unsigned offload_udp_flags(unsigned off)
{
	return (off & CONF_OFFLOAD_GSO ? UDP_NO_GSO : 0) | (off & CONF_OFFLOAD_GRO ? UDP_NO_GRO : 0);
}

static void add(char ret[OFFLOAD_TEXT], const char *words)
{
	size_t len = strlen(ret);

	snprintf(ret + len, OFFLOAD_TEXT - len, "%s", words);
}

static void add_size(char ret[OFFLOAD_TEXT], uint32_t bytes)
{
	size_t len = strlen(ret);
	bool even = bytes >= 1 << 20 && bytes % (1 << 20) == 0;

	snprintf(ret + len, OFFLOAD_TEXT - len, " %u %s", even ? bytes >> 20 : bytes >> 10, even ? "MiB" : "KiB");
}

void offload_text(const struct tun_info *tun, const struct udp_info *udp, char ret[OFFLOAD_TEXT])
{
	ret[0] = 0;
	add(ret, tun->csum ? "tun csum" : "tun none");
	add(ret, tun->tso ? " tso" : "");
	add(ret, tun->uso ? " uso" : "");
	add(ret, tun->uring ? " uring" : "");
	add(ret, udp->gso || udp->gro ? "; udp" : "; udp none");
	add(ret, udp->gso ? " gso" : "");
	add(ret, udp->gro ? " gro" : "");
	add(ret, "; buffers");
	add_size(ret, udp->rcvbuf);
	if (udp->rcvbuf == udp->sndbuf)
		return;
	add(ret, " in,");
	add_size(ret, udp->sndbuf);
	add(ret, " out");
}

/* Why one is missing; NULL: it is not, or it goes with another that is reported. */
static const char *why(unsigned off, unsigned bit, bool there, const char *kernel)
{
	if (there)
		return NULL;
	return off & bit ? "switched off" : kernel;
}

void offload_log(unsigned off, const struct tun_info *tun, const struct udp_info *udp)
{
	const struct {
		const char *name, *does, *why;
	} lines[] = {
		{ "vnet", "each packet is read and written alone, with its checksum computed by the host",
		  why(off, CONF_OFFLOAD_VNET, tun->vnet, NULL) },
		{ "csum", "the host computes checksums, and cuts what it sends",
		  tun->vnet ? why(off, CONF_OFFLOAD_CSUM, tun->csum, "this kernel refuses it") : NULL },
		{ "tso", "TCP is read and written one packet at a time",
		  tun->csum ? why(off, CONF_OFFLOAD_TSO, tun->tso, "this kernel refuses it") : NULL },
		{ "uso", "UDP is read and written one packet at a time",
		  tun->csum ? why(off, CONF_OFFLOAD_USO, tun->uso, "it needs Linux 6.2") : NULL },
		{ "uring", "small packets are read one by one",
		  why(off, CONF_OFFLOAD_URING, tun->uring, "it needs Linux 6.4, and kernel.io_uring_disabled=0") },
		{ "gso", "datagrams are sent one by one",
		  why(off, CONF_OFFLOAD_GSO, udp->gso, "this kernel has none, it needs Linux 4.18") },
		{ "gro", "datagrams are received one by one",
		  why(off, CONF_OFFLOAD_GRO, udp->gro, "this kernel has none, it needs Linux 5.0") },
	};
	char text[OFFLOAD_TEXT];

	offload_text(tun, udp, text);
	log_info("offloads: %s", text);
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i].why)
			log_info("no %s: %s; %s", lines[i].name, lines[i].why, lines[i].does);
	if (udp->rcvbuf < UDP_SOCKBUF || udp->sndbuf < UDP_SOCKBUF)
		log_warn("socket buffers below %u MiB lose packets in a burst: start as root, or sysctl "
			 "net.core.rmem_max=%u net.core.wmem_max=%u", UDP_SOCKBUF >> 20, UDP_SOCKBUF, UDP_SOCKBUF);
}
