/* SPDX-License-Identifier: MIT */
/*
 * What the daemon tells of itself at its control socket: what the kernel granted it, and what it drops. Its counters
 * run from its start, so they are held against what went well in the same time: a prober now and then is no fault, and
 * one that was mended pales.
 */
#include "doctor.h"

#include "conf.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

enum {
	FEW = 20,		/* drops that every daemon sees some day */
	DATA_SHARE = 100,	/* one packet in so many may be wrong before it is told */
};

static uint64_t number(const struct doctor *d, const char *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(json_object_get(d->state, object), name));

	return n > 0 ? (uint64_t)n : 0;
}

static enum doctor_result no_state(struct doctor *d)
{
	return doctor_say(d, DOCTOR_SKIPPED, d->f.running ? "the daemon tells nothing of itself"
							  : "tunneld does not run");
}

/* ---- Offloads ---------------------------------------------------------------------------------------------------- */

static bool kernel_is(unsigned major, unsigned minor)
{
	struct utsname u;
	unsigned x, y;

	if (uname(&u) || sscanf(u.release, "%u.%u", &x, &y) != 2)
		return false;
	return x > major || (x == major && y >= minor);
}

/* What the file switches off takes others with it. */
static unsigned unwanted(unsigned off)
{
	off |= off & CONF_OFFLOAD_VNET ? CONF_OFFLOAD_CSUM : 0;
	return off | (off & CONF_OFFLOAD_CSUM ? CONF_OFFLOAD_TSO | CONF_OFFLOAD_USO : 0);
}

enum doctor_result doctor_offloads(struct doctor *d)
{
	const struct {
		const char *object, *name;
		unsigned bit;
		bool has;	/* this kernel, if it is an ordinary one */
	} all[] = {
		{ "tun", "csum", CONF_OFFLOAD_CSUM, true }, { "tun", "tso", CONF_OFFLOAD_TSO, true },
		{ "tun", "uso", CONF_OFFLOAD_USO, kernel_is(6, 2) }, { "udp", "gso", CONF_OFFLOAD_GSO, true },
		{ "udp", "gro", CONF_OFFLOAD_GRO, true },
	};
	unsigned off = unwanted(d->files.no_offload);
	char list[DOCTOR_TEXT / 2] = "";
	size_t len = 0;

	if (!d->state)
		return no_state(d);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const json_t *o = json_object_get(d->state, all[i].object);

		if (all[i].has && !(off & all[i].bit) && !json_is_true(json_object_get(o, all[i].name)))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s %s", len ? ", " : "",
						all[i].object, all[i].name);
	}
	if (len)
		return doctor_say(d, DOCTOR_WARNING, "no offload of %s: fewer packets pass in a second", list);
	return doctor_say(d, DOCTOR_GOOD, off ? "every offload is there that the file does not switch off"
					      : "every offload of this kernel is there");
}

enum doctor_result doctor_reload(struct doctor *d)
{
	const json_t *last = json_object_get(d->state, "reload"), *code = json_object_get(last, "code");
	const char *when = json_string_value(json_object_get(last, "time"));
	char clean[40];

	if (!d->state)
		return no_state(d);
	if (!json_is_integer(code))
		return doctor_say(d, DOCTOR_SKIPPED, "the file has not been read again since the start");
	if (json_integer_value(code))
		return doctor_say(d, DOCTOR_PROBLEM, "the reload of %s failed: what runs is what was before",
				  view_clean(when ? when : "?", clean, sizeof(clean)));
	return doctor_say(d, DOCTOR_GOOD, "the last reload went well");
}

/* ---- Drops ------------------------------------------------------------------------------------------------------- */

enum doctor_result doctor_wrong_key(struct doctor *d)
{
	uint64_t drops = number(d, "packets", "drop_mac1");
	uint64_t garbage = number(d, "packets", "drop_type") + number(d, "packets", "drop_short");

	if (!d->state)
		return no_state(d);
	/* Of a flood of garbage some looks like a handshake by chance. */
	if (drops >= FEW && drops > number(d, "handshakes", "sessions") && drops > garbage / DATA_SHARE)
		return doctor_say(d, DOCTOR_WARNING, "%" PRIu64 " handshakes were for another key than ours: a peer "
				  "has an old one, or somebody probes", drops);
	return doctor_say(d, DOCTOR_GOOD, "handshakes are for our key");
}

/* Of those that were read an initiation has an answer and a response makes a session. A session of a peer that began
 * is counted twice here, in favour of peace. */
enum doctor_result doctor_strangers(struct doctor *d)
{
	uint64_t read = number(d, "handshakes", "read");
	uint64_t good = number(d, "handshakes", "answered") + number(d, "handshakes", "sessions");

	if (!d->state)
		return no_state(d);
	if (read >= good + FEW)
		return doctor_say(d, DOCTOR_WARNING, "%" PRIu64 " handshakes had no answer: from keys that no peer "
				  "here has, or old ones again", read - good);
	return doctor_say(d, DOCTOR_GOOD, "handshakes are of peers that we have");
}

/* good: what to say when it is not so. */
static enum doctor_result data(struct doctor *d, const char *verdict, const char *bad, const char *good)
{
	uint64_t drops = number(d, "packets", verdict);

	if (!d->state)
		return no_state(d);
	if (drops >= FEW && drops > number(d, "packets", "pass") / DATA_SHARE)
		return doctor_say(d, DOCTOR_WARNING, "%" PRIu64 " packets %s", drops, bad);
	return doctor_say(d, DOCTOR_GOOD, "%s", good);
}

enum doctor_result doctor_forged(struct doctor *d)
{
	return data(d, "drop_auth", "of a session were not what the peer had sent", "packets arrive as they were sent");
}

enum doctor_result doctor_wrong_source(struct doctor *d)
{
	return data(d, "drop_source", "of peers had a source outside their AllowedIPs",
		    "peers send from their own addresses");
}

enum doctor_result doctor_replays(struct doctor *d)
{
	return data(d, "drop_replay", "came a second time, or far too late", "packets come once");
}
