#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What reads bytes from the network has no rights, cannot get any, and cannot be read; secrets are in no log, no
# argument and no environment; and a signal does not leave a core.
#
#   wga 192.168.9.1  ---- va 10.0.0.1  10.0.0.2 vb ----  wgb 192.168.9.2
. "$(dirname "$0")/lib.sh"

outside
tunnel tunneld tunneld
(umask 077; wg genpsk >"$T/psk")
must wg set wga peer "$(key b)" preshared-key "$T/psk"
must wg set wgb peer "$(key a)" preshared-key "$T/psk"
claim "the tunnel is up" reach a 192.168.9.2

# The engine is the process that holds the UDP sockets.
ENGINE=$(n a ss -Hunap 'sport = 1001' | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | tail -n 1)
field() { sed -n "s/^$2:\t//p" "/proc/$1/status"; }
claim "there is an engine" test -n "$ENGINE"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	claim "the engine has no capabilities in $set" equal "$(field "$ENGINE" $set)" 0000000000000000
done
claim "it cannot gain any" equal "$(field "$ENGINE" NoNewPrivs)" 1
claim "its system calls are filtered" equal "$(field "$ENGINE" Seccomp)" 2
every_thread() { ! grep -L '^Seccomp:	2' /proc/"$ENGINE"/task/*/status | grep .; }
claim "in every thread" every_thread
if [ "$(wc -l </proc/self/uid_map)" -eq 1 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" -eq 1 ]; then
	skip "the engine is not root: there is no other user in this namespace"
else
	claim "the engine is not root" not equal "$(field "$ENGINE" Uid | cut -f 2)" 0
	claim "nor in root's group" not equal "$(field "$ENGINE" Gid | cut -f 2)" 0
fi
claim "it has no supplementary groups" equal "$(field "$ENGINE" Groups | tr -d ' ')" ""
claim "it sees no files" equal "$(find "/proc/$ENGINE/root/" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" 0
claim "its core size is zero" grep -q '^Max core file size *0 *0' "/proc/$ENGINE/limits"
PARENT=${PID[wga]}
claim "beside it there is a parent" not equal "$PARENT" "$ENGINE"
# SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_BOOT, SYS_TIME
claim "which has let go of what it does not need" equal $((0x$(field "$PARENT" CapPrm) & 0x24b0000)) 0
claim "and cannot gain any" equal "$(field "$PARENT" CapBnd)$(field "$PARENT" NoNewPrivs)" 00000000000000001

# Secrets, as text and as bytes. The engine's memory is where they belong.
hex() { base64 -d "$1" | od -An -tx1 | tr -d ' \n'; }
absent() { not grep -qaF -e "$(cat "$1")" -e "$(hex "$1")" "${@:2}"; }
must wg set wga peer "$(key b)" persistent-keepalive 1
printf 'set=1\nprivate_key=%s0\n\n' "$(hex "$T/a.key")" | socat -t 2 - "UNIX-CONNECT:$(socket_of wga)" >"$T/answer"
for secret in a.key b.key psk; do
	claim "$secret is in no log" absent "$T/$secret" "$T/wga.log" "$T/wgb.log"
	claim "$secret is in no error message" absent "$T/$secret" "$T/answer"
	claim "$secret is in no argument or environment" absent "$T/$secret" /proc/[0-9]*/cmdline /proc/[0-9]*/environ
done
claim "no public key is in the log in full" not grep -qF -e "$(key a)" -e "$(key b)" "$T/wga.log" "$T/wgb.log"
claim "no address is in the log" not grep -q -e '10\.0\.0\.' "$T/wga.log" "$T/wgb.log"

kill -ABRT "$ENGINE"
claim "the parent ends when the engine is gone, and takes the interface along" \
	wait_for 5 not ip -n a link show wga
claim "a socket file is not left behind" wait_for 5 not test -e "$(socket_of wga)"
claim "the log says that something went wrong" test -s "$T/wga.log"
