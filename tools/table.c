/* SPDX-License-Identifier: MIT */
/* The table itself, in the order in which help prints it. */
#include "cmd.h"

const struct opt opt_table[OPT_COUNT] = {
	[OPT_HELP] = { "help", NULL, "print what a command does and takes", 'h', false },
	[OPT_INTERFACE] = { "interface", "IF", "the interface, where there is more than one", 'i', false },
	[OPT_JSON] = { "json", NULL, "print one JSON object instead of text", 0, false },
	[OPT_QUIET] = { "quiet", NULL, "say nothing on success", 'q', false },
	[OPT_ETC] = { "etc", "DIR", "look for configuration in DIR instead of /etc", 0, true },
	[OPT_RUN] = { "run", "DIR", "look for sockets and locks in DIR instead of /var/run", 0, true },
	[OPT_VAR] = { "var", "DIR", "look for state in DIR instead of /var/lib", 0, true },
	[OPT_DRY_RUN] = { "dry-run", NULL, "print what would be done, change nothing", 'n', false },
	[OPT_ENDPOINTS] = { "endpoints", NULL, "show the addresses from which peers speak", 0, false },
	[OPT_PUBKEY] = { "pubkey", "KEY", "the peer's public key; without it a key pair is made", 0, false },
	[OPT_IP] = { "ip", "NET", "an address or network of the peer, again for more; auto: a free one", 0, false },
	[OPT_PSK] = { "psk", "FILE", "read the preshared key from FILE (-: stdin); auto: make one", 0, false },
	[OPT_ENDPOINT] = { "endpoint", "HOST:PORT", "where the peer listens; init: where this machine does", 0,
			   false },
	[OPT_KEEPALIVE] = { "keepalive", "SECONDS", "keepalive interval of this side, 0 is off", 0, false },
	[OPT_NOTE] = { "note", "TEXT", "a remark that is kept in the peer's file", 0, false },
	[OPT_TAG] = { "tag", "WORD", "a word to group peers by, again for more", 0, false },
	[OPT_SERVER] = { "server", "HOST[:PORT]", "how the new peer reaches this machine", 0, false },
	[OPT_RUNTIME] = { "runtime", NULL, "change the running interface only, save nothing", 0, false },
	[OPT_OFFLINE] = { "offline", NULL, "change the file only, leave the running interface alone", 0, false },
	[OPT_QR] = { "qr", NULL, "show the new configuration as a code to be scanned", 0, false },
	[OPT_PNG] = { "png", "FILE", "write that code to FILE", 0, false },
	[OPT_CONF] = { "conf", "FILE", "write the new configuration to FILE (-: stdout)", 0, false },
	[OPT_KEEP_KEY] = { "keep-key", NULL, "keep the private key, so that it can be exported again", 0, false },
	[OPT_FORMAT] = { "format", "FORMAT", "wg-quick (default), qr, png, svg, nm, networkd", 0, false },
	[OPT_OUTPUT] = { "output", "FILE", "write to FILE (-: stdout, even if it is a terminal)", 'o', false },
	[OPT_PRIVATE_KEY] = { "private-key", "FILE", "read the peer's private key from FILE (-: stdin)", 0, false },
	[OPT_NO_KEY] = { "no-key", NULL, "leave a place for the private key, its owner fills it in", 0, false },
	[OPT_WG_QUICK] = { "wg-quick", NULL, "with the keys of wg-quick only", 0, false },
	[OPT_CONFIRM] = { "confirm", "TIME", "roll back unless confirmed in TIME, such as 60s or 5m", 0, false },
	[OPT_STALE] = { "stale", NULL, "only if nobody guards it any more", 0, false },
	[OPT_PORT] = { "port", "PORT", "the UDP port; without it a free one is picked at random", 0, false },
	[OPT_CLIENT] = { "client", "NAME", "what to call the first client; phone", 0, false },
	[OPT_DNS] = { "dns", "LIST", "name servers for clients; those that this machine asks", 0, false },
	[OPT_NO_START] = { "no-start", NULL, "write the files, start nothing", 0, false },
};

_Static_assert(OPT_COUNT <= 63, "OPT_BIT() must fit");

#define CHANGE (OPT_BIT(OPT_DRY_RUN) | OPT_BIT(OPT_RUNTIME) | OPT_BIT(OPT_OFFLINE))

const struct cmd cmd_table[] = {
	{ "init", "[IF]", "make a server from nothing, with a first client", 0, 1,
	  OPT_BIT(OPT_DRY_RUN) | OPT_BIT(OPT_ENDPOINT) | OPT_BIT(OPT_PORT) | OPT_BIT(OPT_IP) | OPT_BIT(OPT_DNS) |
	  OPT_BIT(OPT_CLIENT) | OPT_BIT(OPT_NO_START) | OPT_BIT(OPT_QR) | OPT_BIT(OPT_PNG) | OPT_BIT(OPT_CONF) |
	  OPT_BIT(OPT_KEEP_KEY), cmd_init },
	{ "up", "[IF]", "start the interface that a configuration file describes", 0, 1, OPT_BIT(OPT_DRY_RUN), cmd_up },
	{ "reload", "[IF]", "make the running interface what its file says; no session is dropped", 0, 1, 0,
	  cmd_reload },
	{ "down", "[IF]", "end the interface", 0, 1, OPT_BIT(OPT_DRY_RUN), cmd_down },
	{ "status", "[IF]", "show the interface and its peers, most recent first", 0, 1, OPT_BIT(OPT_ENDPOINTS),
	  cmd_status },
	{ "check", "FILE", "find what is wrong with a configuration file and its peers' files", 1, 1, 0, cmd_check },
	{ "diff", "[IF]", "compare what is saved with what is live", 0, 1, 0, cmd_diff },
	{ "apply", "FILE", "make FILE the configuration of a running interface, all at once", 1, 1,
	  OPT_BIT(OPT_DRY_RUN) | OPT_BIT(OPT_OFFLINE) | OPT_BIT(OPT_CONFIRM), cmd_apply },
	{ "confirm", "[IF]", "keep the configuration that apply has put on trial", 0, 1, 0, cmd_confirm },
	{ "rollback", "[IF]", "end a trial: the configuration before it comes back", 0, 1, OPT_BIT(OPT_STALE),
	  cmd_rollback },
	{ "doctor", "[IF]", "look for what is wrong with the interface, its files and this machine", 0, 1, 0,
	  cmd_doctor },
	{ "metrics", "[IF]", "print counters as OpenMetrics text, of all interfaces if none is named", 0, 1, 0,
	  cmd_metrics },
	{ "peer list", "", "list all peers, saved and live", 0, 0, CMD_TOP, cmd_peer_list },
	{ "peer show", "PEER", "show one peer; PEER is a name, key, start of a key, or address", 1, 1,
	  OPT_BIT(OPT_ENDPOINTS) | CMD_TOP, cmd_peer_show },
	{ "peer add", "NAME", "add a peer, saved and live; prints the new peer's own configuration", 1, 1,
	  CHANGE | OPT_BIT(OPT_PUBKEY) | OPT_BIT(OPT_IP) | OPT_BIT(OPT_PSK) | OPT_BIT(OPT_ENDPOINT) |
	  OPT_BIT(OPT_KEEPALIVE) | OPT_BIT(OPT_NOTE) | OPT_BIT(OPT_TAG) | OPT_BIT(OPT_SERVER) | OPT_BIT(OPT_QR) |
	  OPT_BIT(OPT_PNG) | OPT_BIT(OPT_CONF) | OPT_BIT(OPT_KEEP_KEY) | CMD_TOP, cmd_peer_add },
	{ "peer set", "PEER", "change a peer, saved and live", 1, 1,
	  CHANGE | OPT_BIT(OPT_IP) | OPT_BIT(OPT_PSK) | OPT_BIT(OPT_ENDPOINT) | OPT_BIT(OPT_KEEPALIVE) |
	  OPT_BIT(OPT_NOTE) | OPT_BIT(OPT_TAG) | CMD_TOP, cmd_peer_set },
	{ "peer rename", "PEER NAME", "give a peer another name", 2, 2,
	  OPT_BIT(OPT_DRY_RUN) | CMD_TOP, cmd_peer_rename },
	{ "peer enable", "PEER", "let a disabled peer in again, saved and live", 1, 1, CHANGE | CMD_TOP,
	  cmd_peer_enable },
	{ "peer disable", "PEER", "keep a peer out, saved and live, without forgetting it", 1, 1, CHANGE | CMD_TOP,
	  cmd_peer_disable },
	{ "peer remove", "PEER", "remove a peer, saved and live", 1, 1, CHANGE | CMD_TOP, cmd_peer_remove },
	{ "peer kick", "PEER", "end the sessions of a peer, which may come back at once", 1, 1,
	  OPT_BIT(OPT_DRY_RUN) | CMD_TOP, cmd_peer_kick },
	{ "peer export", "PEER", "print a peer's own configuration, in one of several formats", 1, 1,
	  OPT_BIT(OPT_FORMAT) | OPT_BIT(OPT_OUTPUT) | OPT_BIT(OPT_PRIVATE_KEY) | OPT_BIT(OPT_NO_KEY) |
	  OPT_BIT(OPT_SERVER), cmd_peer_export },
	{ "export", "[IF]", "print an interface's configuration for other programs", 0, 1,
	  OPT_BIT(OPT_WG_QUICK) | OPT_BIT(OPT_OUTPUT), cmd_export },
	{ "genkey", "", "print a new private key", 0, 0, 0, cmd_genkey },
	{ "pubkey", "", "read a private key on standard input, print its public key", 0, 0, 0, cmd_pubkey },
	{ "genpsk", "", "print a new preshared key", 0, 0, 0, cmd_genpsk },
	{ "completion", "bash|zsh|fish", "print shell completion, to be sourced", 1, 1, 0, cmd_completion },
	{ "help", "[COMMAND]", "print what there is, or what one command takes", 0, 2, 0, cmd_help },
};
const size_t cmd_count = sizeof(cmd_table) / sizeof(cmd_table[0]);
