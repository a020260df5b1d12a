#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a service manager hears: ready, reloading, stopping, and that all is well for as long as it is.
#
#   ns a: wga from a file, our listener in the place of the manager
. "$(dirname "$0")/lib.sh"

spaces a
key a >/dev/null
cat >"$T/wga.conf" <<END
[Interface]
PrivateKey = $(cat "$T/a.key")
Address = 192.168.9.1/24
PostUp = env >$T/env; until test -e $T/go; do sleep 0.05; done
END
# Every message ends in a newline, so that they are lines of a file.
spawn manager a socat -u "UNIX-RECV:$T/notify" "OPEN:$T/heard,creat,append"
must wait_for 5 test -S "$T/notify"
touch "$T/heard"
heard() { grep -qx "$1" "$T/heard"; }
count() { grep -cx "$1" "$T/heard"; }
more() { [ "$(count WATCHDOG=1)" -gt "$1" ]; }

NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=900000 spawn wga a "$TUNNELD" -f -c "$T/wga.conf" wga >"$T/wga.log" 2>&1
must wait_for 10 answers wga
claim "it is not ready before its commands have run" not heard READY=1
touch "$T/go"
claim "then it is" wait_for 10 heard READY=1
claim "commands do not inherit the manager's socket" not grep -qE 'NOTIFY_SOCKET|WATCHDOG' "$T/env"
claim "that all is well is heard" wait_for 5 more 0
claim "again and again" wait_for 5 more 2
claim "its own socket answers by then" grep -q '"code":0' \
	<(echo '{"v":1,"do":"state"}' | socat -t 5 - UNIX-CONNECT:/run/tunneld/wga.sock)

"$TUNCTL" reload wga >/dev/null
claim "a reload is announced" wait_for 5 heard RELOADING=1
claim "with its time" grep -qE '^MONOTONIC_USEC=[0-9]+$' "$T/heard"
ended() { equal "$(grep -xE 'RELOADING=1|READY=1' "$T/heard" | tail -n 1)" READY=1; }
claim "and its end" wait_for 5 ended

ENGINE=$(pgrep -P "${PID[wga]}" -f -- --engine)
must test -n "$ENGINE"
kill -STOP "$ENGINE"
# Nothing in more than twice the time between two words.
quiet()
{
	before=$(count WATCHDOG=1)
	sleep 1.2
	equal "$(count WATCHDOG=1)" "$before"
}
claim "who handles packets stands still: nothing more is heard" wait_for 5 quiet
kill -CONT "$ENGINE"
claim "and goes on: all is well" wait_for 5 more "$before"

stop wga
claim "the end is announced" wait_for 5 heard STOPPING=1
stop manager || true
