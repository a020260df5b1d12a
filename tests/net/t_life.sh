#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The daemon's life as its callers know it: it returns when it is ready and lets go of them, refuses what cannot be,
# ends on every way of saying so, and leaves nothing.
#
#   ns a: wga alone
. "$(dirname "$0")/lib.sh"

spaces a b
SOCK=$(socket_of wga)
alive() { pgrep -f "^${TUNNELD}\b.*wga" || pgrep -x "${TUNNELD##*/}"; }
gone() { not alive && not ip -n a link show wga && not ip -n b link show wga && test ! -e "$SOCK"; }
# shellcheck disable=SC2119,SC2120 # mostly without options
start() { n a timeout 20 "$TUNNELD" "$@" wga; }
# ended HOW COMMAND...: the command makes a daemon end.
ended() { must start; claim "$1 ends it, and nothing is left" over "${@:2}"; }
over() { "$@" && wait_for 5 gone; }
first() { alive | head -n 1; }

# The caller waits on a pipe: it closes when the daemon has let go of it, within the time limit or not at all.
claim "it returns with status 0 and releases the caller's pipe" \
	equal "$(n a timeout 20 "$TUNNELD" wga 2>&1 | cat; echo "${PIPESTATUS[0]}")" 0
claim "the interface is there" ip -n a link show wga
claim "down, with MTU 1420, without addresses" equal \
	"$(ip -n a -j -d addr show wga |
		jq -c '.[0] | [.mtu, (.flags | index("UP")), .addr_info, .linkinfo.info_kind]')" \
	'[1420,null,[],"tun"]'
claim "the socket answers" answers wga
pid=$(first)
claim "its standard streams are nothing" equal \
	"$(for fd in 0 1 2; do readlink "/proc/$pid/fd/$fd"; done | sort -u)" /dev/null
claim "it has a session of its own" not equal "$(ps -o sid= -p "$pid" | tr -d ' ')" "$(ps -o sid= -p $$ | tr -d ' ')"
claim "it stands in a harmless place" equal "$(readlink "/proc/$pid/cwd" | sed 's|^/proc/.*|/|; s|^/var/empty|/|')" /
claim "a second one is refused" not start
# shellcheck disable=SC2119
claim "with a word" grep -q . <(start 2>&1)
claim "and the first is not disturbed" answers wga
kill -HUP "$pid"; kill -PIPE "$pid"; sleep 0.3
claim "SIGHUP and SIGPIPE do not end it" answers wga
claim "SIGTERM ends it, and nothing is left" over kill -TERM "$pid"

ended "SIGINT" sh -c "kill -INT \$(pgrep -o -x ${TUNNELD##*/})"
ended "removing the interface" ip -n a link del wga
up_and_del() { ip -n a link set wga up && ip -n a link del wga; }
ended "removing it while up" up_and_del
ended "removing the socket" rm "$SOCK"
moved() { ip -n a link set wga netns b && sleep 0.3 && answers wga && ip -n b link del wga; }
ended "moving it to another namespace does not, removing it there does: this" moved

# In the foreground.
daemon a wga tunneld
stop wga
claim "in the foreground it ends with status 0 on SIGTERM" equal $? 0
claim "and leaves nothing" wait_for 5 gone

for name in '' . .. a/b 'a b' sixteen-letters-x waytoolongforaname %d wg%d; do
	refused() { not n a timeout 20 "$TUNNELD" "$name" && equal "$(ip -n a -o link | wc -l)" 1; }
	claim "the name \"$name\" is refused" refused
done
must ip -n a link add wga type veth peer name other
claim "a name that is taken is refused" not start
must ip -n a link del wga
claim "an unknown option is refused" not start --colour
claim "a missing file is refused" not start -c "$T/none"
claim "and leaves nothing" gone

# A socket file nobody listens to is replaced.
mkdir -p /run/wireguard
socat UNIX-LISTEN:"$SOCK" /dev/null & pid=$!
must wait_for 5 test -S "$SOCK"
kill -KILL $pid; wait $pid 2>/dev/null
must test -S "$SOCK"
claim "a stale socket is replaced" start
claim "by one that answers" answers wga
pkill -TERM -x "${TUNNELD##*/}"
claim "all is gone at the end" wait_for 5 gone
