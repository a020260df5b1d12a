/* SPDX-License-Identifier: MIT */
/* The private key in a file of its own, which the configuration names by PrivateKeyFile. */
#ifndef KEYFILE_H
#define KEYFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"

/* conf: the configuration file; at: the value in it. Returns at once, whatever the path leads to. True: the key, the
 * caller's to wipe, and *message is a warning, or empty. False: *message says what is wrong. */
bool keyfile_read(const char *conf, const struct conf_item *at, uint8_t ret[TNL_KEY_LEN],
		  char message[CONF_KEY_FILE_MESSAGE_MAX]);
/* It is not there, and is none that is always there: a credential of systemd, which comes and goes with its service. */
bool keyfile_away(const char *conf, const struct conf_item *at);

#endif
