/* SPDX-License-Identifier: MIT */
/* The virtio-net header, and what the kernel's own header of Debian 12 (6.1) does not name yet. */
#ifndef VNET_H
#define VNET_H

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#endif
