/* SPDX-License-Identifier: MIT */
/*
 * An attacker on the wire: sends recorded datagrams again, as they were or changed.
 *
 *   inject FILE IF DESTINATION TYPE HOW
 *
 * FILE is a recording of tcpdump on an Ethernet device; those of its frames that carry UDP over IPv4 to the address
 * DESTINATION, and in it a WireGuard message of TYPE (1 to 4), leave by the device IF with their sender's addresses.
 *
 * HOW: same      as recorded
 *      flip      once for each byte of the message, a bit of that byte changed
 *      cut       once for each shorter length
 *      longer    with one to sixteen bytes more
 * Prints how many datagrams were sent; status 1 when the recording holds none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ETH = 14, IP = 20, UDP = 8,
	HEADERS = ETH + IP + UDP,
	FRAME_MAX = 1514,
	MORE = 16,
	PCAP_HEAD = 24, PCAP_RECORD = 16,
};

struct wire {
	int fd;
	unsigned long sent;
};

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The frame with a message of len bytes in it. The UDP checksum is left out, as IPv4 allows. */
static void send_frame(struct wire *w, uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + ETH;
	uint32_t sum = 0;

	put16(ip + 2, IP + UDP + len);
	put16(ip + 10, 0);
	for (int i = 0; i < IP; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	put16(ip + IP + 4, UDP + len);
	put16(ip + IP + 6, 0);
	if (send(w->fd, frame, HEADERS + len, 0) < 0) {
		perror("inject: send");
		exit(2);
	}
	w->sent++;
}

static void send_changed(struct wire *w, const uint8_t *original, size_t len, const char *how)
{
	uint8_t frame[FRAME_MAX + MORE] = {0};

	memcpy(frame, original, HEADERS + len);
	if (strcmp(how, "same") == 0)
		send_frame(w, frame, len);
	for (size_t i = 0; strcmp(how, "flip") == 0 && i < len; i++) {
		frame[HEADERS + i] ^= (uint8_t)(1 << i % 8);
		send_frame(w, frame, len);
		frame[HEADERS + i] = original[HEADERS + i];
	}
	for (size_t i = 0; strcmp(how, "cut") == 0 && i < len; i++)
		send_frame(w, frame, i);
	for (size_t i = 1; strcmp(how, "longer") == 0 && i <= MORE; i++)
		send_frame(w, frame, len + i);
}

/* The length of the message in the frame if it is what was asked for, else 0. */
static size_t message(const uint8_t *frame, size_t len, struct in_addr to, int type)
{
	size_t udp;

	if (len < HEADERS + 4 || len > FRAME_MAX || frame[12] != 8 || frame[13] != 0 || frame[ETH] != 0x45 ||
	    frame[ETH + 9] != IPPROTO_UDP || memcmp(frame + ETH + 16, &to, 4) != 0 || frame[HEADERS] != type)
		return 0;
	udp = (size_t)(frame[ETH + IP + 4] << 8 | frame[ETH + IP + 5]);
	return udp >= UDP + 4 && ETH + IP + udp <= len ? udp - UDP : 0;
}

static int open_device(const char *name)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || ll.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)) != 0) {
		perror("inject: device");
		exit(2);
	}
	return fd;
}

int main(int argc, char **argv)
{
	uint8_t head[PCAP_HEAD], record[PCAP_RECORD];
	static uint8_t frame[1 << 18];
	struct wire w = {0};
	struct in_addr to;
	uint32_t len;
	FILE *f;

	if (argc != 6 || inet_pton(AF_INET, argv[3], &to) != 1 || !(f = fopen(argv[1], "rb"))) {
		fprintf(stderr, "usage: inject FILE IF DESTINATION TYPE same|flip|cut|longer\n");
		return 2;
	}
	w.fd = open_device(argv[2]);
	if (fread(head, sizeof(head), 1, f) != 1)
		return 1;
	while (fread(record, sizeof(record), 1, f) == 1) {
		size_t n;

		memcpy(&len, record + 8, sizeof(len));	/* of what was kept; tcpdump writes in host order */
		if (len > sizeof(frame) || fread(frame, 1, len, f) != len)
			break;
		n = message(frame, len, to, atoi(argv[4]));
		if (n)
			send_changed(&w, frame, n, argv[5]);
	}
	fclose(f);
	printf("%lu\n", w.sent);
	return w.sent == 0;
}
