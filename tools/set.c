/* SPDX-License-Identifier: MIT */
/*
 * peer set: what is asked for is compared with what the file says and with what is live, each for itself, and only what
 * differs is written or sent. The file comes first; when the daemon refuses, it is put back.
 */
#include "client.h"
#include "edit.h"
#include "follow.h"
#include "request.h"
#include "view.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NETS_MAX = CMD_IPS_MAX * TEXT_ADDR };

struct setting {
	struct change ch;
	struct request q;
	struct edit edit;
	struct peer *peer, before;	/* as it was, only to be sent again */
	unsigned which;		/* CLIENT_ bits: what is to be sent */
	enum follow follow;	/* what its networks take, those before and those to be */
};

static bool same_nets(const struct request *q, const struct peer *p)
{
	size_t found = 0;

	for (unsigned i = 0; i < q->net_count; i++)
		for (size_t k = 0; k < p->net_count; k++)
			found += net_equal(&q->net[i], &p->net[k]);
	return found == q->net_count && found == p->net_count;
}

static bool same_psk(const struct request *q, const struct peer *p)
{
	if (q->psk_how == PSK_NONE)
		return !p->has_psk;
	return p->has_psk && !sodium_memcmp(q->psk, p->psk, sizeof(q->psk));
}

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static int edit_nets(const struct ctx *c, struct setting *s)
{
	char text[NETS_MAX], one[TEXT_ADDR];
	size_t len = 0;

	for (unsigned i = 0; i < s->q.net_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
					net_text(&s->q.net[i], one));
	return edit_set(c, &s->edit, CONF_ALLOWED_IPS, text);
}

static int edit_psk(const struct ctx *c, struct setting *s)
{
	char text[TEXT_BASE64_KEY];
	int code;

	text_key_to_base64(text, s->q.psk);
	code = edit_set(c, &s->edit, CONF_PRESHARED_KEY, s->q.psk_how == PSK_NONE ? NULL : text);
	sodium_memzero(text, sizeof(text));
	return code;
}

static int edit_keepalive(const struct ctx *c, struct setting *s)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", s->q.keepalive_s);
	return edit_set(c, &s->edit, CONF_KEEPALIVE, s->q.keepalive_s ? text : NULL);
}

/* The edits that make the file say what is asked for; p: what it says now. */
static int edit_all(const struct ctx *c, struct setting *s, const struct peer *p)
{
	const struct request *q = &s->q;
	int code = 0;

	if (q->note && strcmp(q->note, p->note ? p->note : ""))
		code = edit_set(c, &s->edit, CONF_NOTE, text_or_null(q->note));
	if (!code && q->has_tags && strcmp(q->tags, p->tags ? p->tags : ""))
		code = edit_set(c, &s->edit, CONF_TAGS, text_or_null(q->tags));
	if (!code && q->net_count && !same_nets(q, p))
		code = edit_nets(c, s);
	if (!code && q->psk_how != PSK_LEFT_OUT && !same_psk(q, p))
		code = edit_psk(c, s);
	if (!code && q->host && strcmp(q->host, p->host ? p->host : ""))
		code = edit_set(c, &s->edit, CONF_ENDPOINT, text_or_null(q->host));
	if (!code && q->keepalive_s >= 0 && q->keepalive_s != p->keepalive_s)
		code = edit_keepalive(c, s);
	return code;
}

static int prepare_edit(const struct ctx *c, struct setting *s)
{
	const struct peer *p = s->peer, *saved;
	struct roster file = { 0 };
	int code = edit_begin(c, &s->ch, p, &s->edit);

	if (!code)
		code = roster_read(c, s->edit.path, p->own_file ? p->name : NULL, s->edit.text, s->edit.len, &file);
	roster_sort(&file);
	saved = code ? NULL : roster_by_key(&file, p->key);
	if (!code && !saved)
		code = cmd_fail(c, CMD_FAILED, "%s: the peer is not there any more", s->edit.path);
	if (!code)
		code = edit_all(c, s, saved);
	roster_free(&file);
	return code;
}

/* What of it differs from what is live. */
static unsigned live_difference(const struct request *q, const struct peer *p)
{
	unsigned which = 0;

	if (!p->live)
		return 0;
	if (q->net_count && !same_nets(q, p))
		which |= CLIENT_NETS;
	if (q->psk_how != PSK_LEFT_OUT && !same_psk(q, p))
		which |= CLIENT_PSK;
	if (q->keepalive_s >= 0 && q->keepalive_s != p->keepalive_s)
		which |= CLIENT_KEEPALIVE;
	if (q->host && *q->host && strcmp(q->endpoint, p->endpoint))
		which |= CLIENT_ENDPOINT;
	return which;
}

static void replace_text(char **text, const char *with)
{
	free(*text);
	*text = *with ? strdup(with) : NULL;
}

/* The peer as it is to be. */
static void take_request(struct peer *p, const struct request *q)
{
	if (q->net_count)
		p->net_count = 0;
	for (unsigned i = 0; i < q->net_count; i++)
		peer_add_net(p, &q->net[i]);
	if (q->psk_how != PSK_LEFT_OUT) {
		p->has_psk = q->psk_how == PSK_GIVEN;
		memcpy(p->psk, q->psk, sizeof(p->psk));
	}
	if (q->keepalive_s >= 0)
		p->keepalive_s = (uint16_t)q->keepalive_s;
	if (q->host && *q->host)
		snprintf(p->endpoint, sizeof(p->endpoint), "%s", q->endpoint);
	if (q->note)
		replace_text(&p->note, q->note);
	if (q->has_tags)
		replace_text(&p->tags, q->tags);
}

static int report(const struct ctx *c, const struct setting *s, bool changed)
{
	char name[IFACE_PEER_NAME_MAX + 1];

	if (cmd_has(c, OPT_JSON))
		out_json(stdout, json_pack("{s:i, s:s, s:b, s:o}", "v", 1, "interface", s->ch.iface.name, "changed",
					   changed, "peer", view_peer_json(s->peer, (uint64_t)time(NULL), false)));
	else if (!cmd_has(c, OPT_QUIET))
		printf("%s: %s\n", peer_label(s->peer, name), changed ? "changed" : "already so");
	return CMD_DONE;
}

static void print_plan(const struct setting *s, bool save)
{
	char name[IFACE_PEER_NAME_MAX + 1];

	if (save)
		printf("would write: %s\n", s->edit.path);
	if (s->which)
		printf("would change in %s: %s\n", s->ch.iface.name, peer_label(s->peer, name));
	if (!save && !s->which)
		printf("nothing to do: %s is so\n", peer_label(s->peer, name));
}

/* Once before the networks are changed, once after. */
static void look_at_routes(struct setting *s)
{
	enum follow now = s->which & CLIENT_NETS ? follow_look(&s->ch, s->peer) : FOLLOW_NOTHING;

	s->follow = now > s->follow ? now : s->follow;
}

static void keep_before(struct setting *s)
{
	s->before = *s->peer;
	s->before.net = NULL;
	s->before.net_count = s->before.net_room = 0;
	for (size_t i = 0; i < s->peer->net_count; i++)
		peer_add_net(&s->before, &s->peer->net[i]);
}

static void put_back(struct setting *s)
{
	unsigned which = s->before.endpoint[0] ? s->which : s->which & ~(unsigned)CLIENT_ENDPOINT;

	client_peer_update(s->ch.iface.sock, &s->before, which);
}

static int set(const struct ctx *c, struct setting *s)
{
	char name[IFACE_PEER_NAME_MAX + 1], why[FOLLOW_WHY];
	int code = change_find(c, &s->ch, c->word[0], &s->peer), err;
	bool save;

	if (!code)
		code = change_check_nets(c, &s->ch, s->q.net, s->q.net_count, s->peer, "choose another");
	if (!code && s->ch.save)
		code = prepare_edit(c, s);
	if (code)
		return code;
	save = s->ch.save && edit_changed(&s->edit);
	s->which = s->ch.live ? live_difference(&s->q, s->peer) : 0;
	if (cmd_has(c, OPT_DRY_RUN)) {
		print_plan(s, save);
		return CMD_DONE;
	}
	if (save && (code = edit_save(c, &s->edit)))
		return code;
	keep_before(s);
	look_at_routes(s);
	take_request(s->peer, &s->q);
	look_at_routes(s);
	err = s->which ? client_peer_update(s->ch.iface.sock, s->peer, s->which) : 0;
	if (err && s->ch.save)
		return edit_not_live(c, &s->edit, peer_label(s->peer, name), err);
	if (err)
		return cmd_fail(c, iface_code(err), "the daemon refuses: %s", strerror(-err));
	if (!follow(c, &s->ch, s->follow, why)) {
		put_back(s);
		return edit_not_routed(c, &s->edit, peer_label(s->peer, name), why);
	}
	return report(c, s, save || s->which);
}

static bool asks_nothing(const struct request *q)
{
	return !q->net_count && q->psk_how == PSK_LEFT_OUT && !q->host && q->keepalive_s < 0 && !q->note &&
	       !q->has_tags;
}

static bool asks_for_file(const struct request *q)
{
	return q->note || q->has_tags || (q->host && !*q->host);
}

int cmd_peer_set(struct ctx *c)
{
	struct setting s = { .ch.iface.lock = -1 };
	int code = request_parse(c, true, &s.q);

	if (!code && asks_nothing(&s.q))
		code = cmd_fail(c, CMD_USAGE, "nothing to set is given (see: tunctl help peer set)");
	if (!code && cmd_has(c, OPT_RUNTIME) && asks_for_file(&s.q))
		code = cmd_fail(c, CMD_USAGE, "--note, --tag and --endpoint none are of the file, not --runtime");
	if (!code && !(code = change_begin(c, &s.ch)))
		code = set(c, &s);
	edit_end(&s.edit);
	change_end(&s.ch);
	free(s.before.net);
	sodium_memzero(&s, sizeof(s));
	return code;
}
