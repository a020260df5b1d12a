/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "wire.h"

enum {
	BUCKETS = 1024,
	COUNTERS_MAX = 1 << 20,
	WINDOW = 8128,
	/* seconds, WG 6.1 */
	REKEY_TIMEOUT = 5,
	RETRY_MAX = REKEY_TIMEOUT + 1,	/* with its jitter */
	REJECT_AFTER_TIME = 180,
	ERASE_AFTER = 3 * REJECT_AFTER_TIME,
};

/* Counters seen, as bits. */
struct seen {
	uint64_t *word;
	uint64_t words;
};

/* What one node receives by one of its indices. */
struct session {
	struct session *next, *all;
	struct session *other;		/* the same session's index on the other side; NULL: handshake not complete */
	uint32_t index;
	int node, peer;			/* whose index; who sends to it */
	tnl_ns born;			/* node's boot time; the latest possible for an initiator, 0: not yet */
	bool responder, used, confirmed;
	bool dropped;			/* the node erased it */
	bool no_send;			/* the node's identity changed */
	struct seen sent, accepted;	/* counters towards this index, on the wire and taken */
};

void oracle_init(struct oracle *o)
{
	*o = (struct oracle){ .bucket = calloc(BUCKETS, sizeof(o->bucket[0])) };
	if (!o->bucket)
		abort();
}

void oracle_free(struct oracle *o)
{
	struct session *s, *next;

	for (s = o->all; s; s = next) {
		next = s->all;
		free(s->sent.word);
		free(s->accepted.word);
		free(s);
	}
	free(o->bucket);
	free(o->inner);
	free(o->answered);
}

static void *grow(void *array, uint32_t *room, uint32_t count, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? 2 * *room : 256;
	array = realloc(array, *room * size);
	if (!array)
		abort();
	return array;
}

/* True when the counter was there already. */
static bool mark(struct seen *s, uint64_t counter)
{
	uint64_t word = counter / 64, bit = UINT64_C(1) << counter % 64, words = s->words ? s->words : 1;

	if (counter >= COUNTERS_MAX)
		fail("counter %lu after so few packets", (unsigned long)counter);
	while (words <= word)
		words *= 2;
	if (words > s->words) {
		s->word = realloc(s->word, words * sizeof(s->word[0]));
		if (!s->word)
			abort();
		memset(s->word + s->words, 0, (words - s->words) * sizeof(s->word[0]));
		s->words = words;
	}
	if (s->word[word] & bit)
		return true;
	s->word[word] |= bit;
	return false;
}

/* ---- Inner packets ----------------------------------------------------------------------------------------------- */

uint32_t oracle_packet(struct oracle *o, int from, uint8_t family, const uint8_t *src, const uint8_t *dst,
		       uint32_t payload)
{
	struct inner *p;

	o->inner = grow(o->inner, &o->inner_room, o->inners, sizeof(o->inner[0]));
	p = &o->inner[o->inners];
	*p = (struct inner){ .family = family, .from = (uint8_t)from, .offered = sim.now };
	memcpy(p->src, src, family == 4 ? 4 : 16);
	memcpy(p->dst, dst, family == 4 ? 4 : 16);
	p->len = (uint16_t)((family == 4 ? 20 : 40) + 4 + payload);
	return ++o->inners;
}

size_t oracle_write(const struct oracle *o, uint32_t id, uint8_t *dst)
{
	const struct inner *p = &o->inner[id - 1];
	struct rng fill = { id };
	size_t head = p->family == 4 ? 20 : 40;

	memset(dst, 0, head);
	if (p->family == 4) {
		dst[0] = 0x45;
		put_be16(dst + 2, p->len);
		dst[8] = 64;
		memcpy(dst + 12, p->src, 4);
		memcpy(dst + 16, p->dst, 4);
	} else {
		dst[0] = 0x60;
		put_be16(dst + 4, (uint16_t)(p->len - head));
		dst[7] = 64;
		memcpy(dst + 8, p->src, 16);
		memcpy(dst + 24, p->dst, 16);
	}
	put_be32(dst + head, id);
	rng_fill(&fill, dst + head + 4, p->len - head - 4);
	return p->len;
}

void oracle_sealed(struct oracle *o, uint32_t id, int to)
{
	o->inner[id - 1].sealed = true;
	o->inner[id - 1].to = (uint8_t)to;
	o->sealed++;
}

uint32_t oracle_delivered(struct oracle *o, int at, int from, const uint8_t *data, size_t len)
{
	size_t head = len && data[0] >> 4 == 4 ? 20 : 40;
	uint8_t expected[DGRAM_MAX];
	struct inner *p;
	uint32_t id;

	if (len < head + 4)
		fail("node %d delivered %zu bytes that nobody sent", at, len);
	id = (uint32_t)get_be16(data + head) << 16 | get_be16(data + head + 2);
	if (!id || id > o->inners)
		fail("node %d delivered packet %u, which nobody sent", at, id);
	p = &o->inner[id - 1];
	if (p->len != len || oracle_write(o, id, expected) != len || memcmp(data, expected, len))
		fail("node %d delivered packet %u changed: %zu of %u bytes", at, id, len, p->len);
	if (!p->sealed || p->from != from || p->to != at)
		fail("node %d got packet %u from %d, but it went from %d to %d", at, id, from, p->from, p->to);
	if (p->delivered)
		fail("node %d delivered packet %u twice", at, id);
	p->delivered = true;
	o->delivered++;
	return id;
}

/* ---- Sessions ---------------------------------------------------------------------------------------------------- */

/* The newest with this index; NULL: none. */
static struct session *find(const struct oracle *o, int node, uint32_t index)
{
	struct session *s = o->bucket[index % BUCKETS];

	while (s && (s->index != index || s->node != node))
		s = s->next;
	return s;
}

static struct session *add(struct oracle *o, int node, int peer, uint32_t index)
{
	struct session *s = calloc(1, sizeof(*s)), *old = find(o, node, index);

	if (!s)
		abort();
	if (old && !old->dropped && old->born && sim.now < old->born)
		fail("node %d uses index %08x twice", node, index);
	s->node = node;
	s->peer = peer;
	s->index = index;
	s->next = o->bucket[index % BUCKETS];
	o->bucket[index % BUCKETS] = s;
	s->all = o->all;
	o->all = s;
	return s;
}

static void wire_response(struct oracle *o, int node, int peer, tnl_ns boot, const uint8_t *data)
{
	struct session *theirs = find(o, peer, get_le32(data + RESPONSE_RECEIVER));
	struct session *mine = add(o, node, peer, get_le32(data + RESPONSE_SENDER));

	if (!theirs || theirs->peer != node)
		fail("node %d answers an initiation that node %d never sent it", node, peer);
	mine->responder = true;
	mine->born = boot;
	mine->other = theirs;
	theirs->other = mine;
	o->derived[node][peer] = o->spoke[node][peer] = boot;
	o->sessions++;
}

static void wire_data(struct oracle *o, int node, int peer, tnl_ns boot, const uint8_t *data)
{
	struct session *theirs = find(o, peer, get_le32(data + DATA_RECEIVER));
	uint64_t counter = get_le64(data + DATA_COUNTER);
	struct session *mine = theirs ? theirs->other : NULL;

	if (!mine || mine->node != node || theirs->peer != node)
		fail("node %d sends to node %d by an index that it was never given", node, peer);
	if (mark(&theirs->sent, counter))
		fail("node %d sends counter %lu to %d twice under one key", node, (unsigned long)counter, peer);
	if (!mine->born)
		fail("node %d sends before it can have the key", node);
	if (mine->dropped && !o->late)
		fail("node %d sends to %d on a session that it had dropped", node, peer);
	if (mine->no_send && !o->late)
		fail("node %d sends to %d under its old identity", node, peer);
	if (mine->responder && !mine->confirmed)
		fail("node %d sends to %d on a session that is not confirmed", node, peer);
	if (boot - mine->born >= REJECT_AFTER_TIME * TNL_SEC)
		fail("node %d sends to %d on a session that is %.3f s old", node, peer,
		     (double)(boot - mine->born) / (double)TNL_SEC);
	if (!mine->used && !mine->responder)
		o->derived[node][peer] = mine->born;
	mine->used = true;
}

void oracle_wire(struct oracle *o, int node, int peer, tnl_ns boot, const uint8_t *data, size_t len)
{
	switch (len < 4 ? 0 : get_le32(data)) {
	case WIRE_INITIATION:
		if (len != INITIATION_LEN)
			fail("node %d sends an initiation of %zu bytes", node, len);
		if (o->spoke[node][peer] && boot - o->spoke[node][peer] < REKEY_TIMEOUT * TNL_SEC)
			fail("node %d initiates to %d again after %.3f s", node, peer,
			     (double)(boot - o->spoke[node][peer]) / (double)TNL_SEC);
		add(o, node, peer, get_le32(data + INITIATION_SENDER));
		o->initiated[node][peer] = o->spoke[node][peer] = boot;
		o->initiations++;
		break;
	case WIRE_RESPONSE:
		if (len != RESPONSE_LEN)
			fail("node %d sends a response of %zu bytes", node, len);
		wire_response(o, node, peer, boot, data);
		break;
	case WIRE_DATA:
		if (len < DATA_MIN)
			fail("node %d sends a data message of %zu bytes", node, len);
		wire_data(o, node, peer, boot, data);
		break;
	case WIRE_COOKIE:
		if (len != COOKIE_LEN)
			fail("node %d sends a cookie reply of %zu bytes", node, len);
		break;
	default:
		fail("node %d sends %zu bytes that are no message", node, len);
	}
}

void oracle_arrives(struct oracle *o, int node, tnl_ns boot, const uint8_t *data, size_t len)
{
	struct session *s;

	if (len != RESPONSE_LEN || get_le32(data) != WIRE_RESPONSE)
		return;
	s = find(o, node, get_le32(data + RESPONSE_RECEIVER));
	if (s && s->other && !s->used)
		s->born = boot;
}

void oracle_accepted(struct oracle *o, int node, int peer, tnl_ns boot, const uint8_t *data, bool genuine)
{
	struct session *s = find(o, node, get_le32(data + DATA_RECEIVER));
	uint64_t counter = get_le64(data + DATA_COUNTER);

	if (!genuine)
		fail("node %d took a forged data message from %d", node, peer);
	if (!s || !s->other || s->peer != peer || !s->born)
		fail("node %d took data by an index that is not one of %d", node, peer);
	if (s->dropped)
		fail("node %d took data from %d on a session that it had dropped", node, peer);
	if (boot - s->born >= REJECT_AFTER_TIME * TNL_SEC)
		fail("node %d took data from %d on a session that is %.3f s old", node, peer,
		     (double)(boot - s->born) / (double)TNL_SEC);
	if (mark(&s->accepted, counter))
		fail("node %d took counter %lu from %d twice", node, (unsigned long)counter, peer);
	if (!s->used && !s->responder)
		o->derived[node][peer] = s->born;
	s->used = true;
	s->confirmed = true;
}

void oracle_expired(const struct oracle *o, int node, tnl_ns boot, const uint8_t *data)
{
	const struct session *s = find(o, node, get_le32(data + DATA_RECEIVER));

	if (!s || s->dropped)
		fail("node %d knows index %08x, which it had dropped", node, get_le32(data + DATA_RECEIVER));
	if (boot - s->born < REJECT_AFTER_TIME * TNL_SEC)
		fail("node %d finds a session of %.3f s too old", node, (double)(boot - s->born) / (double)TNL_SEC);
	if (boot - s->born > (ERASE_AFTER + 1) * TNL_SEC && !o->derived[node][s->peer])
		fail("node %d kept a session for %.3f s", node, (double)(boot - s->born) / (double)TNL_SEC);
}

void oracle_replayed(const struct oracle *o, int node, const uint8_t *data)
{
	const struct session *s = find(o, node, get_le32(data + DATA_RECEIVER));
	uint64_t counter = get_le64(data + DATA_COUNTER), newest;

	if (!s || !s->accepted.words)
		fail("node %d finds the first counter of a session replayed", node);
	if (counter / 64 < s->accepted.words && s->accepted.word[counter / 64] >> counter % 64 & 1)
		return;
	for (newest = 64 * s->accepted.words - 1; !(s->accepted.word[newest / 64] >> newest % 64 & 1); newest--)
		;
	if (counter + WINDOW >= newest)
		fail("node %d finds counter %lu replayed; it is new, and the newest is %lu", node,
		     (unsigned long)counter, (unsigned long)newest);
}

void oracle_stranger(struct oracle *o, int node, size_t in, const uint8_t *out, size_t out_len)
{
	o->stranger_in += in;
	o->stranger_out += out_len;
	if (out_len && get_le32(out) != WIRE_COOKIE)
		fail("node %d sends %zu bytes to a stranger", node, out_len);
	if (o->stranger_out > o->stranger_in)
		fail("strangers got more than they gave");
}

void oracle_dropped(struct oracle *o, int node, int peer)
{
	for (struct session *s = o->all; s; s = s->all)
		if (s->node == node && (peer < 0 || s->peer == peer))
			s->dropped = true;
	for (int i = 0; i < NODES_MAX; i++)
		if (peer < 0 || peer == i)
			o->derived[node][i] = o->spoke[node][i] = 0;
}

void oracle_renamed(struct oracle *o, int node)
{
	for (struct session *s = o->all; s; s = s->all)
		if (s->node == node)
			s->no_send = true;
	memset(o->spoke[node], 0, sizeof(o->spoke[node]));
}

/* The event that tells of it is left out while a handshake is being tried, since then packets may go on waiting. */
void oracle_keys(struct oracle *o, int node, tnl_ns boot)
{
	for (int i = 0; i < NODES_MAX; i++) {
		tnl_ns since = o->derived[node][i];

		if (!since || boot - since <= (ERASE_AFTER + 1) * TNL_SEC)
			continue;
		if (o->initiated[node][i] + RETRY_MAX * TNL_SEC < since + ERASE_AFTER * TNL_SEC)
			fail("node %d still has keys of %d, %.3f s after the last session", node, i,
			     (double)(boot - since) / (double)TNL_SEC);
		for (struct session *s = o->all; s; s = s->all)
			s->dropped |= s->node == node && s->peer == i && s->born && s->born <= since;
		o->derived[node][i] = 0;
	}
}

void oracle_answered(struct oracle *o, int node, uint32_t peer, uint32_t origin)
{
	for (uint32_t i = 0; i < o->answers; i++)
		if (o->answered[i].origin == origin && o->answered[i].node == node && o->answered[i].peer == peer)
			fail("node %d answered datagram %u twice", node, origin);
	o->answered = grow(o->answered, &o->answer_room, o->answers, sizeof(o->answered[0]));
	o->answered[o->answers].origin = origin;
	o->answered[o->answers].node = (uint8_t)node;
	o->answered[o->answers++].peer = peer;
}
