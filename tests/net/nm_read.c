/* SPDX-License-Identifier: MIT */
/*
 * usage: nm_read FILE
 *
 * Reads a keyfile as NetworkManager does and prints it as that would write it. Fails on what it would warn of, too.
 */
#include <NetworkManager.h>

static gboolean refuse_warning(GKeyFile *file, NMConnection *connection, NMKeyfileHandlerType type,
			       NMKeyfileHandlerData *data, void *warned)
{
	const char *message;

	(void)file;
	(void)connection;
	if (type != NM_KEYFILE_HANDLER_TYPE_WARN)
		return FALSE;
	nm_keyfile_handler_data_warn_get(data, &message, NULL);
	g_printerr("warning: %s\n", message);
	*(gboolean *)warned = TRUE;
	return TRUE;
}

int main(int argc, char *argv[])
{
	GKeyFile *in = g_key_file_new(), *out;
	NMConnection *connection;
	gboolean warned = FALSE;
	GError *err = NULL;

	if (argc != 2)
		return 2;
	if (!g_key_file_load_from_file(in, argv[1], G_KEY_FILE_NONE, &err) ||
	    !(connection = nm_keyfile_read(in, "/etc/NetworkManager/system-connections", NM_KEYFILE_HANDLER_FLAGS_NONE,
					   refuse_warning, &warned, &err)) ||
	    !nm_connection_verify(connection, &err) || !nm_connection_verify_secrets(connection, &err) ||
	    !(out = nm_keyfile_write(connection, NM_KEYFILE_HANDLER_FLAGS_NONE, NULL, NULL, &err))) {
		g_printerr("%s: %s\n", argv[1], err->message);
		return 1;
	}
	g_print("%s", g_key_file_to_data(out, NULL, NULL));
	return warned;
}
