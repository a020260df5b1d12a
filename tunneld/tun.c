/* SPDX-License-Identifier: MIT */
/*
 * What a kernel knows cannot be asked, only tried: offloads are added one by one, each kept if the kernel takes it. USO
 * came with Linux 6.2, both families or none; TSO and USO need checksum offload. A header without any offload costs ten
 * bytes a packet and gains nothing, but it is what a later queue of the same interface must have too. TSO_ECN is not
 * asked for: a segment with CWR travels alone.
 */
#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "udp.h"

enum { SEALED_EXTRA = TNL_HEAD + TNL_TAG };

/* One more offload beside those in *granted. */
static bool add_offload(int fd, unsigned *granted, unsigned bits)
{
	if (ioctl(fd, TUNSETOFFLOAD, *granted | bits) != 0)
		return false;
	*granted |= bits;
	return true;
}

static int set_offload(int fd, unsigned flags, struct tun_info *info)
{
	int size = sizeof(struct virtio_net_hdr);
	unsigned granted = 0;

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) != 0)
		return -errno;
	info->csum = !(flags & TUN_NO_CSUM) && add_offload(fd, &granted, TUN_F_CSUM);
	info->tso = info->csum && !(flags & TUN_NO_TSO) && add_offload(fd, &granted, TUN_F_TSO4 | TUN_F_TSO6);
	info->uso = info->csum && !(flags & TUN_NO_USO) && add_offload(fd, &granted, TUN_F_USO4 | TUN_F_USO6);
	return 0;
}

int tun_open(const char *name, unsigned flags, struct tun_info *ret)
{
	struct tun_info info = { .vnet = !(flags & TUN_PLAIN), .uring = !(flags & TUN_NO_URING) };
	struct ifreq ifr = { 0 };
	int fd, r;

	/* A format (%d) would make the kernel choose. */
	if (name[0] == '\0' || strlen(name) >= IFNAMSIZ || strpbrk(name, "/: \t\n%") || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return -EINVAL;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, name, strlen(name));
	ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (info.vnet ? IFF_VNET_HDR : 0) |
				(flags & TUN_QUEUES ? IFF_MULTI_QUEUE : 0));
	r = ioctl(fd, TUNSETIFF, &ifr) != 0 ? -errno : 0;
	/* One that is nobody's gives a queue to whoever can open /dev/net/tun, and that is everybody. */
	if (r == 0 && ioctl(fd, TUNSETOWNER, (unsigned long)geteuid()) != 0)
		r = -errno;
	if (r == 0 && info.vnet)
		r = set_offload(fd, flags, &info);
	if (r != 0) {
		close(fd);
		return r;
	}
	memcpy(info.name, ifr.ifr_name, IFNAMSIZ);
	*ret = info;
	return fd;
}

unsigned tun_gso_segs(uint32_t mtu)
{
	unsigned segs = UDP_GSO_BYTES / (mtu + SEALED_EXTRA);

	return segs < 1 ? 1 : segs > UDP_GSO_SEGS ? UDP_GSO_SEGS : segs;
}

ssize_t tun_read(int fd, const struct tun_info *info, struct virtio_net_hdr *ret, uint8_t *buf)
{
	size_t room = info->vnet ? TUN_ROOM : 0;
	ssize_t n = read(fd, buf - room, room + TUN_PACKET_MAX);

	if (n < 0)
		return -errno;
	if (n < (ssize_t)room)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, buf - room, room);
	return n - (ssize_t)room;
}

int tun_write(int fd, const struct tun_info *info, const struct virtio_net_hdr *hdr, struct iovec *iov, unsigned count)
{
	unsigned skip = info->vnet ? 0 : 1;

	iov[0].iov_base = (void *)hdr;
	iov[0].iov_len = sizeof(*hdr);
	return writev(fd, iov + skip, (int)(count - skip)) < 0 ? -errno : 0;
}
