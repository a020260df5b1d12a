# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the network tests share. A test sources this file first and is thereby started again inside namespaces of its
# own: users (when not root), network, mounts and processes. It touches nothing of the machine, and nothing of it can
# stay behind, since the kernel ends every process of a process namespace with its first one. /run is a new tmpfs there,
# so the control sockets and `ip netns` are private too.
#
# A test states claims. Each prints "ok - what" or "not ok - what" with the output of what failed; the last line counts.
# Programs come from BUILD (build); TUNNELD names another daemon, to see what a test says about that one.

set -u -o pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
TUNNELD=${TUNNELD:-$BUILD/tunneld}
TUNCTL=${TUNCTL:-$BUILD/tunctl}
PATH=$PATH:/usr/sbin:/sbin
# script(1) starts this one, and shells differ in what they do after an interrupt.
export SHELL=/bin/bash

if [ -z "${NET_INSIDE-}" ]; then
	users=()
	[ "$(id -u)" -eq 0 ] || users=(-Ur)
	NET_INSIDE=1 exec unshare "${users[@]}" -nmpf --kill-child --mount-proc bash "$0" "$@"
fi

mount -t tmpfs -o mode=755 tmpfs /run || exit 1
[ -L /var/run ] || mount --bind /run /var/run
mkdir -p /run/netns
T=/run/test
mkdir -m 755 "$T"
ip link set lo up

PASSED=0 FAILED=0 SKIPPED=0
declare -A PID=()	# interface, or name -> process

finish()
{
	local code=$?

	stop_all
	[ "$code" -eq 0 ] || { FAILED=$((FAILED + 1)); echo "not ok - the test ended early with status $code"; }
	echo "$PASSED passed, $FAILED failed$([ $SKIPPED -eq 0 ] || echo ", $SKIPPED skipped")"
	[ "$FAILED" -eq 0 ]
	exit
}
trap finish EXIT

pass() { PASSED=$((PASSED + 1)); echo "ok - $1"; }
skip() { SKIPPED=$((SKIPPED + 1)); echo "skip - $1"; }
fail()
{
	FAILED=$((FAILED + 1))
	echo "not ok - $1"
	sed 's/^/#   /' "${2:-/dev/null}"
}

# claim TEXT COMMAND...: TEXT holds if COMMAND succeeds.
claim()
{
	local text=$1

	shift
	if "$@" >"$T/claim" 2>&1; then
		pass "$text"
	else
		echo "from: $*" >>"$T/claim"
		fail "$text" "$T/claim"
	fi
}

# A step that every later claim needs.
must()
{
	"$@" >"$T/out" 2>&1 || { fail "set-up: $*" "$T/out"; exit 1; }
}

not() { ! "$@"; }

# equal IS SHOULD
equal() { [ "$1" = "$2" ] || { echo "is: $1"; echo "should be: $2"; false; }; }

# code N COMMAND...: it ends with this exit code.
code() { local is should=$1; shift; "$@"; is=$?; equal "$is" "$should"; }

# json FILTER COMMAND...: what it says with --json passes this filter of jq.
json() { local filter=$1; shift; "$@" --json | jq -e "$filter"; }

# wait_for SECONDS COMMAND...: until COMMAND succeeds. Where everything is slow the time is, too: as many looks are
# taken as that time has room for on a machine at rest, within four times as many seconds.
wait_for()
{
	local end=$((SECONDS + $1)) latest=$((SECONDS + 4 * $1)) looks=$((10 * $1))

	shift
	until "$@" >/dev/null 2>&1; do
		looks=$((looks - 1))
		((SECONDS < end || looks > 0 && SECONDS < latest)) ||
			{ echo "still not after all this time: $*"; "$@"; return; }
		sleep 0.05
	done
}

# ---- Namespaces

# n NS COMMAND...: run in a network namespace.
n() { local ns=$1; shift; nsenter --net=/run/netns/"$ns" "$@"; }

# spawn NAME NS COMMAND...: the same in the background, as a process whose id is in PID[NAME].
spawn()
{
	(exec nsenter --net=/run/netns/"$2" "${@:3}") </dev/null &
	PID[$1]=$!
}

spaces()
{
	local ns

	for ns; do
		must ip netns add "$ns"
		must ip -n "$ns" link set lo up
	done
}

# wire NS1 IF1 NS2 IF2: a cable.
wire()
{
	must ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	must ip -n "$1" link set "$2" up
	must ip -n "$3" link set "$4" up
}

# addr NS IF ADDRESS/BITS...
addr()
{
	local ns=$1 dev=$2 a

	shift 2
	for a; do
		case $a in
		*:*) must ip -n "$ns" addr add "$a" dev "$dev" nodad ;;
		*) must ip -n "$ns" addr add "$a" dev "$dev" ;;
		esac
	done
}

# ---- Daemons

socket_of() { echo "/var/run/wireguard/$1.sock"; }
answers() { wg show "$1" >/dev/null 2>&1; }
program_of() { case $1 in tunneld) echo "$TUNNELD" ;; *) command -v "$1" ;; esac; }

# daemon NS IF IMPLEMENTATION: starts it in the foreground and waits until its socket answers; log in $T/IF.log.
daemon()
{
	spawn "$2" "$1" "$(program_of "$3")" -f "$2" >"$T/$2.log" 2>&1
	wait_for 10 answers "$2" >"$T/out" || { cat "$T/$2.log" >>"$T/out"; fail "set-up: $3 -f $2" "$T/out"; exit 1; }
}

# Ends the daemon of an interface; its exit status.
stop()
{
	local pid=${PID[$1]}

	unset "PID[$1]"
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

stop_all()
{
	local i

	for i in "${!PID[@]}"; do
		kill "${PID[$i]}" 2>/dev/null
	done
	for i in "${!PID[@]}"; do
		wait "${PID[$i]}" 2>/dev/null
		unset "PID[$i]"
	done
}

# key NAME: makes a key pair once, in $T/NAME.key and $T/NAME.pub; prints the public one.
key()
{
	[ -e "$T/$1.key" ] || (umask 077; wg genkey >"$T/$1.key"; wg pubkey <"$T/$1.key" >"$T/$1.pub")
	cat "$T/$1.pub"
}

# remembers PID KEYFILE: it has that key, whose base64 is in the file, in memory: as bytes, in base64 or in hex. What is
# mapped by the gigabyte, as of a sanitizer or by the engine for a million peers, is not looked at.
remembers()
{
	perl -MMIME::Base64 -e '
		my ($pid, $file) = @ARGV;
		open(my $k, "<", $file) or die; chomp(my $text = <$k>);
		my $key = decode_base64($text);
		my @forms = ($key, $text, unpack("H*", $key));
		open(my $maps, "<", "/proc/$pid/maps") or die "maps: $!";
		open(my $mem, "<:raw", "/proc/$pid/mem") or die "mem: $!";
		my $seen = 0;
		while (<$maps>) {
			my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
			next if hex($to) - hex($from) > 1 << 28;
			sysseek($mem, hex $from, 0) or next;
			sysread($mem, my $bytes, hex($to) - hex($from)) or next;
			$seen += length $bytes;
			for (@forms) { exit 0 if index($bytes, $_) >= 0 }
		}
		die "nothing of $pid can be read" unless $seen;
		exit 1' "$1" "$2"
}
# forgot PID KEYFILE: it can be looked into, and has it not.
forgot() { remembers "$@"; [ $? -eq 1 ]; }

# ---- The usual topology
#
#   ns a                                        ns b
#   wga 192.168.9.1, fd09::1                    wgb 192.168.9.2, fd09::2
#     |                                           |
#   va  10.0.0.1, fd00::1  ------------------   vb  10.0.0.2, fd00::2
#   port 1001                                   port 1002

outside()
{
	spaces a b
	wire a va b vb
	addr a va 10.0.0.1/24 fd00::1/64
	addr b vb 10.0.0.2/24 fd00::2/64
}

# tunnel IMPL_A IMPL_B [4|6]: both daemons, keys, peers and addresses. Only a knows where the other is.
tunnel()
{
	local to=10.0.0.2:1002

	[ "${3:-4}" = 4 ] || to='[fd00::2]:1002'
	key a >/dev/null; key b >/dev/null
	daemon a wga "$1"
	daemon b wgb "$2"
	must wg set wga private-key "$T/a.key" listen-port 1001 peer "$(key b)" endpoint "$to" \
		allowed-ips 192.168.9.2/32,fd09::2/128
	must wg set wgb private-key "$T/b.key" listen-port 1002 peer "$(key a)" allowed-ips 192.168.9.1/32,fd09::1/128
	addr a wga 192.168.9.1/24 fd09::1/64
	addr b wgb 192.168.9.2/24 fd09::2/64
	must ip -n a link set wga up
	must ip -n b link set wgb up
}

no_tunnel() { stop wga; stop wgb; }

# reach NS ADDRESS [ping options]: one ping is answered. A handshake may come before it.
reach() { n "$1" ping -n -c 1 -W 4 "${@:3}" "$2"; }

# bulk_of BYTES: what bulk() sends.
bulk_of() { head -c "$1" /dev/urandom >"$T/bulk"; }

# bulk FROM TO ADDRESS: sent by TCP from one namespace to the other, it arrives as it was.
BULK_PORT=7000
bulk()
{
	local pid

	BULK_PORT=$((BULK_PORT + 1))
	n "$2" timeout 60 socat -u TCP6-LISTEN:$BULK_PORT,ipv6only=0,reuseaddr "OPEN:$T/got,creat,trunc" &
	pid=$!
	wait_for 10 n "$2" sh -c "ss -Htln sport = $BULK_PORT | grep -q ." || return
	n "$1" timeout 60 socat -u "OPEN:$T/bulk" "TCP:$3:$BULK_PORT" && wait $pid && cmp "$T/bulk" "$T/got"
}

# handshake_of IF: seconds since 1970 of the newest handshake.
handshake_of() { wg show "$1" latest-handshakes | awk '$2 > m { m = $2 } END { print m + 0 }'; }

# ---- Looking at packets

# watch NAME NS IF FILTER [OPTION...]: records packets to $T/NAME.pcap, until seen(). Of a burst it keeps 512 packets;
# with the option -s100, the first bytes of each, all of it.
watch()
{
	spawn "watch-$1" "$2" tcpdump -n -U --immediate-mode -B 32768 -s 65535 -i "$3" -w "$T/$1.pcap" "${@:5}" "$4" 2>"$T/$1.watch"
	wait_for 5 grep -q listening "$T/$1.watch" || { fail "set-up: tcpdump -i $3 $4" "$T/$1.watch"; exit 1; }
}

# Whether a process waits, or has ended, at five looks: it has nothing left to do.
idle()
{
	local i state

	for i in {1..5}; do
		sleep 0.04
		state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)
		[[ $state == [SZ] || -z $state ]] || return
	done
}

# seen NAME [FILTER]: ends the recording, when all that came is written, and prints how many packets were in it.
seen()
{
	[ -z "${PID[watch-$1]-}" ] || { wait_for 10 idle "${PID[watch-$1]}" >&2; stop "watch-$1"; }
	tcpdump -n -r "$T/$1.pcap" "${@:2}" 2>/dev/null | wc -l
}
