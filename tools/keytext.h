/* SPDX-License-Identifier: MIT */
/* Keys that come in by file or standard input, and new ones. Never by argument: those can be read by everybody. */
#ifndef KEYTEXT_H
#define KEYTEXT_H

#include "text.h"
#include "tunnel.h"

/* One key, then nothing but white space until the end of the file. 0, -EINVAL: not a key, -E2BIG: something follows it,
 * or what read() says. Leaves no copy behind. */
int keytext_read(int fd, uint8_t ret[TNL_KEY_LEN]);
/* What to tell the operator about an error of keytext_read(). */
const char *keytext_why(int err);

/* Random and clamped. */
void keytext_new_private(uint8_t ret[TNL_KEY_LEN]);

#endif
