/* SPDX-License-Identifier: MIT */
#include "told.h"

#include <stdio.h>

json_t *told_time(const struct timespec *at)
{
	char text[40], part[32];
	struct tm tm;

	gmtime_r(&at->tv_sec, &tm);
	strftime(part, sizeof(part), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", part, (unsigned)(at->tv_nsec / 1000000) % 1000);
	return json_string(text);
}

json_t *told_error(int code, const char *why)
{
	return json_pack("{s:i, s:i, s:s}", "v", 1, "code", code, "error", why);
}

json_t *told_packets(const uint64_t verdict[TNL_VERDICTS])
{
	static const char *const names[] = {
		[TNL_PASS] = "pass", [TNL_EMPTY] = "empty", [TNL_WAIT] = "wait", [TNL_CONTROL] = "control",
		[TNL_DROP_DOWN] = "drop_down", [TNL_DROP_SHORT] = "drop_short", [TNL_DROP_TYPE] = "drop_type",
		[TNL_DROP_MAC1] = "drop_mac1", [TNL_DROP_INDEX] = "drop_index", [TNL_DROP_EXPIRED] = "drop_expired",
		[TNL_DROP_AUTH] = "drop_auth", [TNL_DROP_REPLAY] = "drop_replay", [TNL_DROP_SOURCE] = "drop_source",
		[TNL_DROP_INNER] = "drop_inner", [TNL_DROP_NOROUTE] = "drop_noroute",
		[TNL_DROP_NOPATH] = "drop_nopath",
	};
	json_t *ret = json_object();

	_Static_assert(sizeof(names) / sizeof(names[0]) == TNL_VERDICTS, "every verdict has a name");
	for (unsigned v = 0; v < TNL_VERDICTS; v++)
		json_object_set_new(ret, names[v], json_integer((json_int_t)verdict[v]));
	return ret;
}
