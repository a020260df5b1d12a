/* SPDX-License-Identifier: MIT */
/*
 * genkey, pubkey, genpsk: the same bytes on standard input and output as those of wg(8), so that either may stand in a
 * script that was written for the other. A key is 44 characters of base64 and a newline.
 */
#include "cmd.h"
#include "keytext.h"

#include <ctype.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static void warn_if_others_can_read(const struct ctx *c)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO))
		cmd_fail(c, 0, "warning: standard output is a file that everybody can read (use umask 077)");
}

static int print_key(struct ctx *c, uint8_t key[TNL_KEY_LEN])
{
	char text[TEXT_BASE64_KEY];

	text_key_to_base64(text, key);
	puts(text);
	sodium_memzero(key, TNL_KEY_LEN);
	sodium_memzero(text, sizeof(text));
	return cmd_end(c, CMD_DONE);
}

int cmd_genkey(struct ctx *c)
{
	uint8_t key[TNL_KEY_LEN];

	warn_if_others_can_read(c);
	keytext_new_private(key);
	return print_key(c, key);
}

int cmd_genpsk(struct ctx *c)
{
	uint8_t key[TNL_KEY_LEN];

	warn_if_others_can_read(c);
	randombytes_buf(key, sizeof(key));
	return print_key(c, key);
}

int cmd_pubkey(struct ctx *c)
{
	uint8_t private[TNL_KEY_LEN], public[TNL_KEY_LEN];
	int err = keytext_read(STDIN_FILENO, private);

	if (err)
		return cmd_fail(c, CMD_FAILED, "standard input: %s", keytext_why(err));
	crypto_scalarmult_base(public, private);
	sodium_memzero(private, sizeof(private));
	return print_key(c, public);
}
