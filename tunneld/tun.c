/* SPDX-License-Identifier: MIT */
/*
 * Offloads are asked for from the best down, since what a kernel knows cannot be asked: USO came with Linux 6.2, both
 * families or none, and TSO and USO need checksum offload. A header without any offload is still worth having: it is
 * what a later version of the device would build on. TSO_ECN is not asked for: a segment with CWR travels alone.
 */
#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "udp.h"

enum { SEALED_EXTRA = TNL_HEAD + TNL_TAG };

static int set_offload(int fd, struct tun_info *info)
{
	static const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, uso = TUN_F_USO4 | TUN_F_USO6;
	int size = sizeof(struct virtio_net_hdr);

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) != 0)
		return -errno;
	if (ioctl(fd, TUNSETOFFLOAD, tso | uso) == 0)
		info->csum = info->tso = info->uso = true;
	else if (ioctl(fd, TUNSETOFFLOAD, tso) == 0)
		info->csum = info->tso = true;
	else if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) == 0)
		info->csum = true;
	return 0;
}

int tun_open(const char *name, unsigned flags, struct tun_info *ret)
{
	struct tun_info info = { .vnet = !(flags & TUN_PLAIN) };
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
	if (r == 0 && info.vnet)
		r = set_offload(fd, &info);
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
	struct iovec iov[2] = { { ret, sizeof(*ret) }, { buf, TUN_PACKET_MAX } };
	ssize_t n;

	if (!info->vnet) {
		memset(ret, 0, sizeof(*ret));
		n = read(fd, buf, TUN_PACKET_MAX);
		return n < 0 ? -errno : n;
	}
	n = readv(fd, iov, 2);
	if (n < 0)
		return -errno;
	return n < (ssize_t)sizeof(*ret) ? -EINVAL : n - (ssize_t)sizeof(*ret);
}

int tun_write(int fd, const struct tun_info *info, const struct virtio_net_hdr *hdr, struct iovec *iov, unsigned count)
{
	unsigned skip = info->vnet ? 0 : 1;

	iov[0].iov_base = (void *)hdr;
	iov[0].iov_len = sizeof(*hdr);
	return writev(fd, iov + skip, (int)(count - skip)) < 0 ? -errno : 0;
}
