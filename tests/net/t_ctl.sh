#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The control socket: what it tells, to whom, and that no client keeps it from the others.
#
#   ns a: wga, without peers at first
. "$(dirname "$0")/lib.sh"

spaces a
daemon a wga tunneld
CTL=/run/tunneld/wga.sock
ask() { printf '%s\n' "$1" | timeout 10 socat -t 5 - "UNIX-CONNECT:$CTL" 2>/dev/null; }
code_of() { ask "$1" | jq -e .code; }
state() { ask '{"v":1,"do":"state"}' | jq -c "$1"; }

claim "the socket is there for root alone" equal "$(stat -c '%a %U %F' "$CTL")" "600 root socket"
claim "in a directory that others may look into" equal "$(stat -c %a /run/tunneld)" 755
claim "the state names interface and processes" equal \
	"$(state '[.v, .code, .interface, .pid, (.engine_pid > .pid), .config]')" "[1,0,\"wga\",${PID[wga]},true,null]"
claim "and what it was started with" equal "$(state '[.up, .mtu, .port, .socket_open, .fwmark]')" \
	'[false,1420,0,false,0]'
must wg set wga listen-port 1001 fwmark 7
must ip -n a link set wga mtu 1400 up
follows() { [ "$(state '[.up, .mtu, .port, .socket_open, .fwmark]')" = '[true,1400,1001,true,7]' ]; }
claim "it follows what is changed" wait_for 5 follows
claim "counters have names" equal "$(state '.packets | [has("pass"), has("drop_replay")]')" '[true,true]'
n a ping -n -c 3 -i 0.1 -W 1 -I wga 192.0.2.1 >/dev/null 2>&1
claim "and count" test "$(state .packets.drop_noroute)" -ge 3
claim "it says when it was started" grep -qxE '"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z"' <(state .since)
claim "it tells buffers and cipher" equal "$(state '[.udp.receive_buffer > 0, (.cipher | length > 0)]')" \
	'[true,true]'

# Nothing that it tells is a secret.
must wg set wga private-key <(wg genkey) peer "$(key b)" endpoint 10.9.8.7:6543
claim "no key and no endpoint is told" not grep -qE '10\.9\.8|6543|[A-Za-z0-9+/]{43}=' <(ask '{"v":1,"do":"state"}')

# Clients that are wrong.
for line in '' garbage '{' '[]' '{"v":1}' '{"v":2,"do":"state"}' '{"v":1,"do":"nothing"}' '{"v":1,"do":1}' \
	'{"v":1,"do":"state","do":"state"}'; do
	claim "refused with code 2: $line" equal "$(code_of "$line")" 2
done
claim "the next line is read all the same" equal \
	"$(ask $'garbage\n{"v":1,"do":"state"}' | jq -c .code | xargs)" "2 0"
claim "a line too long is refused and ends the connection" equal \
	"$(ask "$(head -c 5000 /dev/zero | tr '\0' x)"$'\n{"v":1,"do":"state"}' | jq -c .code)" 2
claim "a request may come in pieces" equal \
	"$( (printf '{"v":1,'; sleep 0.1; printf '"do":"sta'; sleep 0.1; echo 'te"}') |
		timeout 10 socat -t 5 - "UNIX-CONNECT:$CTL" | jq .code)" 0
many() { for _ in {1..100}; do echo '{"v":1,"do":"state"}'; done | timeout 20 socat -t 5 - "UNIX-CONNECT:$CTL"; }
claim "a hundred requests in one piece are answered" equal "$(many | jq .code | sort | uniq -c | xargs)" "100 0"

# Clients that are slow, or silent, and many.
crowd() { spawn "$1" a "$BUILD/net/crowd" "$CTL" "${@:2}" >"$T/$1"; wait_for 10 grep -q ready "$T/$1"; }
must crowd silent 100
must crowd deaf 10 '{"v":1,"do":"state"}'
claim "a hundred silent clients and ten that read nothing keep nobody out" equal "$(state .code)" 0
claim "nor others from the interface" answers wga
stop silent; stop deaf
if [ "$(wc -l </proc/self/uid_map)" -eq 1 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" -eq 1 ]; then
	skip "another user is refused: there is no other user in this namespace"
else
	chmod 666 "$CTL"
	other() { echo '{"v":1,"do":"state"}' | setpriv --reuid 65534 --clear-groups socat -t 2 - "UNIX-CONNECT:$CTL"; }
	claim "another user is refused, even if the file lets him" equal "$(other)" ""
fi

stop wga
claim "at the end the file is gone" not test -e "$CTL"

# A daemon that is not itself any more: what it says goes to the terminal of root.
RUN=$T/false
mkdir -p "$RUN"/{wireguard,tunneld}
spawn uapi a socat UNIX-LISTEN:"$RUN/wireguard/wg9.sock",fork /dev/null
false_daemon()
{
	printf '%s\n' "$1" >"$T/says"
	rm -f "$RUN/tunneld/wg9.sock"
	spawn false a socat UNIX-LISTEN:"$RUN/tunneld/wg9.sock" "SYSTEM:head -n 1 >/dev/null; cat '$T/says'"
	wait_for 5 test -S "$RUN/tunneld/wg9.sock"
}
plain()
{
	timeout 10 "$TUNCTL" --run "$RUN" "$@" >"$T/out" 2>&1
	cat -v "$T/out"
	grep -q nonsense "$T/out" && not grep -q $'\e' "$T/out"
}
must wait_for 5 test -S "$RUN/wireguard/wg9.sock"
must false_daemon '{"v":1,"code":0,"changed":["\u001b[2Jnonsense",7]}'
claim "what it says it has changed is plain text" plain reload wg9
must false_daemon '{"v":1,"code":1,"errors":["\u001b]0;nonsense"],"error":"\u001bc"}'
claim "so are its errors" plain reload wg9
stop uapi || true
