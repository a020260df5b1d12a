# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of the doctor share. A healthy interface has nothing to be told of; each fault is made for real and
# must be named by the checks that are there for it, and by no other.
#
#   ns a: wg0 10.8.0.1/24, fd08::1/64, port 1001        ns b: wgb, the peer bo
#     va 10.0.0.1, fd00::1  --------------------------  vb 10.0.0.2, fd00::2
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

outside
must ip -n a route add default via 10.0.0.2
mkdir -p "$T/bin" "$T/foreign" "$T/etc/tunneld/wg0.d"
chmod 700 "$T/etc/tunneld" "$T/etc/tunneld/wg0.d"
umask 077
must cp "$TUNCTL" "$T/bin/tunctl"
must cp "$TUNNELD" "$T/bin/tunneld"
PATH=$T/bin:$PATH
CONF=$T/etc/tunneld/wg0.conf
key a >/dev/null

# The clock is this machine's; what it says is ours.
cat >"$T/clock.c" <<-'END'
	#include <stdlib.h>
	#include <sys/timex.h>
	#include <time.h>
	int adjtimex(struct timex *t) { t->status = 0; return getenv("UNSYNC") ? TIME_ERROR : TIME_OK; }
	time_t time(time_t *ret)
	{
		struct timespec ts;
		const char *shift = getenv("SHIFT");
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec += shift ? atol(shift) : 0;
		if (ret)
			*ret = ts.tv_sec;
		return ts.tv_sec;
	}
END
must cc -shared -fPIC -o "$T/clock.so" "$T/clock.c"

ctl() { n a "$T/bin/tunctl" --etc "$T/etc" "$@"; }
doctor() { n a env LD_PRELOAD="$T/clock.so" "$T/bin/tunctl" --etc "$T/etc" doctor wg0 "$@"; }

config()
{
	cat >"$CONF" <<-END
		[Interface]
		PrivateKey = $(cat "$T/a.key")
		ListenPort = 1001
		Address = 10.8.0.1/24, fd08::1/64
		[Peer]
		#: Name = bo
		PublicKey = $(key bo)
		AllowedIPs = 10.8.0.2/32, fd08::2/128
	END
}
up() { must ctl up -q wg0; }
down() { must ctl down -q wg0; }
again() { down; up; }

# In a user namespace nobody may exceed the limits of this machine, so the buffers of sockets are small there.
FORCED=$(awk '$1 == 0 && $3 > 1000000' /proc/self/uid_map)

# finds LIST CODE [VARIABLE=VALUE...]: the doctor finds what is in the list, "check:result ...", and nothing else.
finds()
{
	local list=$1 should=$2 is out

	shift 2
	out=$(env "$@" bash -c 'doctor --json'); is=$?
	[ "$FORCED" ] || out=$(jq -c 'del(.checks[] | select(.check == "buffers"))' <<<"$out")
	jq -c '.checks[] | select(.fix)' <<<"$out"
	equal "$(jq -r '.checks[] | select(.fix) | "\(.check):\(.result)"' <<<"$out" | xargs)" "$list" || return
	[ -z "$FORCED" ] || equal "$is" "$should"
}
export T FORCED
export -f doctor n equal
healthy() { finds "" 0 "$@"; }
# fault TEXT LIST [VARIABLE=VALUE...]
fault()
{
	local code=11 text=$1 list=$2

	[[ $list != *problem* ]] || code=10
	shift 2
	claim "$text" finds "$list" "$code" "$@"
}

config
up
