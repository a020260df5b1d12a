/* SPDX-License-Identifier: MIT */
/*
 * Private keys of peers that the operator asked to keep: ETC/tunneld/IF.d/NAME.key, as genkey prints it, mode 0600. The
 * daemon reads no such file, and nothing of it is ever in a state directory.
 */
#ifndef KEEP_H
#define KEEP_H

#include "roster.h"

/* All return 0 or a negative errno. */
int keep_save(const struct iface *f, const char *name, const uint8_t private[TNL_KEY_LEN]);
/* -ENOENT: none is kept, or one of another public key, left by an earlier peer of that name. */
int keep_load(const struct iface *f, const struct peer *p, uint8_t ret[TNL_KEY_LEN]);
/* One that an earlier peer left under the new name is replaced. -ENOENT: none is kept. */
int keep_rename(const struct iface *f, const char *from, const char *to);
/* None is no error. */
int keep_remove(const struct iface *f, const char *name);

#endif
