/* SPDX-License-Identifier: MIT */
/*
 * Operations to bytes. A call appends all of its lines or nothing, so that a buffer of any size above the UAPI_*_MAX
 * can be flushed between calls. Lines are built in place at the end of the buffer: no copy of a key stays on the
 * stack.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "uapi.h"

/* Lines under construction behind what is already in the buffer. */
struct draft {
	struct uapi_out *o;
	size_t len;
	bool full;
};

static struct draft begin(struct uapi_out *o)
{
	return (struct draft){ .o = o, .len = o->len };
}

static bool end(struct draft *d)
{
	if (d->full)
		sodium_memzero(d->o->dst + d->o->len, d->o->max - d->o->len);
	else
		d->o->len = d->len;
	return !d->full;
}

static void add(struct draft *d, const char *s, size_t len)
{
	if (d->full || len > d->o->max - d->len) {
		d->full = true;
		return;
	}
	memcpy(d->o->dst + d->len, s, len);
	d->len += len;
}

static void add_string(struct draft *d, const char *s)
{
	add(d, s, strlen(s));
}

static void add_number(struct draft *d, const char *name, uint64_t number)
{
	char digits[24], *at = digits + sizeof(digits);

	/* Not by snprintf(): an answer about ten thousand peers has fifty thousand numbers. */
	*--at = '\n';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	*--at = '=';
	add_string(d, name);
	add(d, at, (size_t)(digits + sizeof(digits) - at));
}

static void add_key(struct draft *d, const char *name, const uint8_t key[TNL_KEY_LEN])
{
	add_string(d, name);
	add_string(d, "=");
	if (d->full || d->o->max - d->len < TEXT_HEX_KEY) {
		d->full = true;
		return;
	}
	text_key_to_hex(d->o->dst + d->len, key);
	d->len += TEXT_HEX_KEY;
	d->o->dst[d->len - 1] = '\n';	/* in the place of the NUL */
}

static void add_endpoint(struct draft *d, const struct tnl_addr *a)
{
	char text[TEXT_ADDR];

	text_from_endpoint(text, a);
	add_string(d, "endpoint=");
	add_string(d, text);
	add_string(d, "\n");
}

static void add_prefix(struct draft *d, const struct tnl_addr *net, unsigned bits, bool minus)
{
	char text[TEXT_ADDR];

	text_from_prefix(text, net, bits);
	add_string(d, minus ? "allowed_ip=-" : "allowed_ip=");
	add_string(d, text);
	add_string(d, "\n");
}

bool uapi_put(struct uapi_out *o, const struct uapi_op *op)
{
	static const char *const fixed[UAPI_WHATS] = {
		[UAPI_GET] = "get=1\n\n",
		[UAPI_SET_BEGIN] = "set=1\n",
		[UAPI_END] = "\n",
		[UAPI_REPLACE_PEERS] = "replace_peers=true\n",
		[UAPI_REMOVE] = "remove=true\n",
		[UAPI_UPDATE_ONLY] = "update_only=true\n",
		[UAPI_REPLACE_ALLOWED_IPS] = "replace_allowed_ips=true\n",
	};
	static const char *const numbers[UAPI_WHATS] = {
		[UAPI_LISTEN_PORT] = "listen_port",
		[UAPI_FWMARK] = "fwmark",
		[UAPI_KEEPALIVE] = "persistent_keepalive_interval",
		[UAPI_PROTOCOL_VERSION] = "protocol_version",
		[UAPI_HANDSHAKE_SEC] = "last_handshake_time_sec",
		[UAPI_HANDSHAKE_NSEC] = "last_handshake_time_nsec",
		[UAPI_TX_BYTES] = "tx_bytes",
		[UAPI_RX_BYTES] = "rx_bytes",
		[UAPI_ERRNO] = "errno",
	};
	static const char *const keys[UAPI_WHATS] = {
		[UAPI_PRIVATE_KEY] = "private_key",
		[UAPI_PEER] = "public_key",
		[UAPI_PSK] = "preshared_key",
	};
	struct draft d = begin(o);

	if (fixed[op->what])
		add_string(&d, fixed[op->what]);
	else if (numbers[op->what])
		add_number(&d, numbers[op->what], op->number);
	else if (keys[op->what])
		add_key(&d, keys[op->what], op->key);
	else if (op->what == UAPI_ENDPOINT)
		add_endpoint(&d, &op->addr);
	else
		add_prefix(&d, &op->addr, op->bits, op->minus);
	return end(&d);
}

bool uapi_put_device(struct uapi_out *o, const uint8_t *private_key, uint16_t port, uint32_t fwmark)
{
	struct draft d = begin(o);

	if (private_key && !sodium_is_zero(private_key, TNL_KEY_LEN))
		add_key(&d, "private_key", private_key);
	if (port)
		add_number(&d, "listen_port", port);
	if (fwmark)
		add_number(&d, "fwmark", fwmark);
	return end(&d);
}

bool uapi_put_peer(struct uapi_out *o, const uint8_t pub[TNL_KEY_LEN], const struct tnl_peer_conf *conf,
		   const struct tnl_addr *remote, const struct tnl_stat *stat)
{
	struct draft d = begin(o);

	add_key(&d, "public_key", pub);
	if (!sodium_is_zero(conf->psk, TNL_KEY_LEN))
		add_key(&d, "preshared_key", conf->psk);
	add_string(&d, "protocol_version=1\n");
	if (remote->family)
		add_endpoint(&d, remote);
	add_number(&d, "last_handshake_time_sec", stat->handshake_wall / TNL_SEC);
	add_number(&d, "last_handshake_time_nsec", stat->handshake_wall % TNL_SEC);
	add_number(&d, "tx_bytes", stat->tx_bytes);
	add_number(&d, "rx_bytes", stat->rx_bytes);
	add_number(&d, "persistent_keepalive_interval", conf->keepalive_s);
	return end(&d);
}

bool uapi_put_prefix(struct uapi_out *o, const struct tnl_addr *net, unsigned bits)
{
	struct draft d = begin(o);

	add_prefix(&d, net, bits, false);
	return end(&d);
}

bool uapi_put_errno(struct uapi_out *o, bool set, int err)
{
	char line[UAPI_OP_MAX];
	struct draft d = begin(o);
	unsigned number = err < 0 ? 0u - (unsigned)err : (unsigned)err;

	add(&d, line, (size_t)snprintf(line, sizeof(line), "errno=%s%u\n\n", set && number ? "-" : "", number));
	return end(&d);
}
