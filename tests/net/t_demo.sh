#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tunctl demo, as root and as another user: what it shows, that it touches nothing of a machine that has the same names,
# and that nothing of it stays, whatever ends it.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# A machine with interfaces and sockets of the demo's names.
must ip tuntap add tuna mode tun
must ip link add eth type veth peer name tunb
must ip addr add 10.77.0.2/24 dev tuna
mkdir -p /run/tunneld /run/wireguard
echo theirs | tee /run/tunneld/tuna.sock >/run/wireguard/tuna.sock

# What could stay: processes, interfaces, files. Namespaces live by the first, or by mounts.
left()
{
	pgrep -a . | grep -v -e pgrep -e t_demo
	ip addr
	cat /proc/self/mountinfo
	find /run . -xdev -newer "$T/begin" -not -path "$T/*" -type f
	cat /run/tunneld/tuna.sock /run/wireguard/tuna.sock
}
mkdir "$T/here"
cd "$T/here" || exit 1
touch "$T/begin"
sleep 0.1
before=$(left)
# It may take a moment: the kernel ends what was killed by and by.
as_before() { equal "$(left)" "$before"; }
nothing_left() { claim "and nothing is left" wait_for 5 as_before; }

# What gives a command the rights of anybody, as the process that was started.
AS_USER=(unshare -U --map-user=1000 --map-group=1000)

# ---- What it shows

demo() { "$TUNCTL" demo | tee "$T/shown"; }
claim "root is shown a tunnel" demo
claim "ping over IPv4 and IPv6" equal "$(grep -cE '^ping +[0-9a-f.:]+: [0-9]+ of 50 answered' "$T/shown")" 2
claim "throughput" grep -qE 'TCP, one connection +[0-9.]+ [GM]bit/s' "$T/shown"
claim "a change of keys, and what it cost" grep -qE 'change of keys +[0-9]+ of 150 pings lost' "$T/shown"
claim "no colour outside a terminal" not grep -q $'\e' "$T/shown"
nothing_left

json_of_user() { "${AS_USER[@]}" "$TUNCTL" demo --json >"$T/json"; }
claim "so is any user, as JSON" json_of_user
claim "of one line" equal "$(wc -l <"$T/json")" 1
pings='([.ping4, .ping6, .change] | all(.answered > 0 and .sent == .answered + .lost and .median_us <= .longest_us))'
claim "pings" jq -e "$pings and .ping4.sent == 50 and .ping6.sent == 50 and .change.sent == 150" "$T/json"
claim "throughput" jq -e '.tcp | .ms >= 4000 and .bytes > 1e6 and .cpu_ms > 0 and
	(.bits_per_second - .bytes * 8000 / .ms | fabs) < .bits_per_second / 100' "$T/json"
claim "a session of the new keys" jq -e '.v == 1 and .change.session_us > 0 and .first_answer_us > 0' "$T/json"
documented() { sed -n '/^\.It Ic demo/,/^\.It Ic watch/p' "$ROOT/tools/tunctl.1" | grep -wF "$1"; }
# shellcheck disable=SC2013 # words
for name in $(jq -r 'paths | map(strings)[]' "$T/json" | sort -u); do
	claim "the manual knows $name" documented "$name"
done
nothing_left

# ---- What ends it

# Nor did it come to its end.
cut_short() { claim "and nothing is left" wait_for 5 as_before; claim "nor was it done" not grep summary "$T/shown"; }
# begun: it has come as far as two daemons.
begun() { grep -q 'tunneld .*tuna ' "$T/shown"; }
begin()
{
	: >"$T/shown"
	"$@" >"$T/shown" 2>&1 </dev/null &
	PID[demo]=$!
	wait_for 20 begun || fail "set-up: $*" "$T/shown"
}
# ended STATUS
ended()
{
	local pid=${PID[demo]}

	unset "PID[demo]"
	code "$1" wait "$pid" 2>/dev/null
}

begin "$TUNCTL" demo
kill -9 "${PID[demo]}"
claim "kill -9" ended 137
cut_short
begin "${AS_USER[@]}" "$TUNCTL" demo
kill -9 "${PID[demo]}"
claim "kill -9 of a user's" ended 137
cut_short
begin "$TUNCTL" demo
kill -9 "$(pgrep -P "${PID[demo]}")"
claim "kill -9 of its first process" ended 1
claim "which is told" grep -q '^tunctl: demo: ended by signal 9$' "$T/shown"
cut_short
begin "$TUNCTL" demo
kill -9 "$(pgrep -of 'tunneld -f .*tunb$')"
claim "kill -9 of a daemon ends it with a line" not ended 0
claim "one line" equal "$(grep -c '^tunctl: demo: ' "$T/shown")" 1
cut_short
begin "$TUNCTL" demo
session_of() { ps -o sid= -p "$1"; }
# A daemon that is interrupted, too, would be a failure to be told.
claim "a terminal speaks to it alone" \
	not equal "$(session_of "$(pgrep -P "${PID[demo]}")")" "$(session_of "${PID[demo]}")"
kill "${PID[demo]}"
claim "SIGTERM" ended 143
cut_short

# Ctrl-C, by whoever sits there, when the daemons run.
interrupt() { wait_for 20 begun >&2; printf '\003'; }
on_terminal() { interrupt | script -qec "$TUNCTL demo" /dev/null >"$T/shown"; }
: >"$T/shown"
claim "Ctrl-C" code 130 on_terminal
claim "without a word about what ended by it" not grep -q 'tunctl:' "$T/shown"
cut_short

no_reader() { "$TUNCTL" demo 2>"$T/err" | head -n 1 >"$T/shown"; equal "${PIPESTATUS[0]} $(cat "$T/err")" "1 "; }
claim "nobody who reads" no_reader
cut_short

# ---- What is missing

# says CODE TEXT COMMAND...: one line with that text, and the exit code; nothing else.
says()
{
	local should=$1 text=$2

	shift 2
	code "$should" "$@" >"$T/said" 2>&1 && cat "$T/said" && equal "$(wc -l <"$T/said")" 1 &&
		grep -F "$text" "$T/said"
}
touch "$T/closed"
chmod 0 "$T/closed"
must mount --bind "$T/closed" /dev/net/tun
claim "/dev/net/tun that may not be opened" says 5 "chmod 666 /dev/net/tun" "${AS_USER[@]}" "$TUNCTL" demo
must umount /dev/net/tun
must mount --bind /dev/null /dev/net/tun
claim "/dev/net/tun that is something else" says 1 "modprobe tun" "$TUNCTL" demo
must umount /dev/net/tun
must mount -t tmpfs tmpfs /dev/net
claim "no /dev/net/tun" says 1 "modprobe tun" "$TUNCTL" demo
must umount /dev/net

# limited COMMAND...: nobody here may make a namespace of users.
limited()
{
	unshare -Ur bash -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all "$@"' - "$@"
}
claim "namespaces that are forbidden" says 5 "user.max_user_namespaces" limited "$TUNCTL" demo

must mount -t tmpfs tmpfs /mnt
cp "$TUNCTL" /mnt/tunctl
printf '#!/bin/sh\necho "no luck today" >&2\nexit 1\n' >/mnt/tunneld
chmod +x /mnt/tunneld
claim "a daemon that does not start: its reason" says 1 "no luck today" /mnt/tunctl demo -q
must umount /mnt
nothing_left
