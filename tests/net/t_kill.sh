#!/bin/bash
# SPDX-License-Identifier: MIT
# Old or new, never mixed: each command that changes something is killed before every single write, flush, rename and
# message that it makes. After each kill the files are the old ones or the new ones, all of them good, and the same
# command said again does the rest. Then: two at once, a full disk, a read-only /etc.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld/wg0.d"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
ctl=("$T/bin/tunctl" --etc "$T/etc" --var "$T/var" -i wg0 -q)
# Every file and all that is in it; what begins with a dot is no file of ours yet. Without a process for any of it.
files()
{
	local f

	for f in "$ETC"/*.conf* "$ETC"/wg0.d/*.peer; do
		[ ! -f "$f" ] || printf '%s:\n%s\n' "$f" "$(<"$f")"
	done
}

(umask 077
cat >"$ETC/wg0.conf" <<-END
	# Not to be lost.
	[Interface]
	PrivateKey = $(wg genkey)
	ListenPort = 1001
	Address = 10.8.0.1/24

	[Peer]
	#: Name = bo
	PublicKey = $(key bo)
	AllowedIPs = 10.8.0.2/32
END
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.0.3/32\n' "$(key anna)" >"$ETC/wg0.d/anna.peer"
wg genkey >"$ETC/wg0.d/anna.key")
cp -a "$T/etc" "$T/etc.old"
old=$(files)
KILLS=0
afresh() { rm -rf "${T:?}/etc" "${T:?}/var"; cp -a "$T/etc.old" "$T/etc"; }

# at_every_step COMMAND...: see above.
at_every_step()
{
	local n=0 status=77 new

	afresh
	"${ctl[@]}" "$@" || { echo "it fails by itself"; return 1; }
	new=$(files)
	[ "$new" != "$old" ] || { echo "it changes nothing"; return 1; }
	"${ctl[@]}" check "$ETC/wg0.conf" || return 1
	while [ "$status" -eq 77 ] && n=$((n + 1)) && [ $n -lt 100 ]; do
		afresh
		"$BUILD/net/cut" $n "${ctl[@]}" "$@" >"$T/cut" 2>&1
		status=$?
		case $(files) in
		"$old" | "$new") ;;
		*) echo "killed at step $n it leaves neither old nor new:"; files; return 1 ;;
		esac
		"${ctl[@]}" "$@" || { echo "killed at step $n it fails when said again"; return 1; }
		equal "$(files)" "$new" || { echo "after step $n"; return 1; }
	done
	equal "$status" 0 || { cat "$T/cut"; return 1; }
	KILLS=$((KILLS + n - 1))
	[ $n -gt 4 ]
}

claim "peer add" at_every_step peer add carl --offline --pubkey "$(key carl)" --ip 10.8.0.4
claim "peer set in the main file" at_every_step peer set bo --offline --keepalive 25 --note Bo --ip 10.8.0.9
claim "peer set in a file of its own" at_every_step peer set anna --offline --keepalive 25 --tag a
claim "peer rename in the main file" at_every_step peer rename bo bob
claim "peer rename of a file" at_every_step peer rename anna ann
claim "peer disable" at_every_step peer disable anna --offline
claim "peer disable in the main file" at_every_step peer disable bo --offline
claim "peer remove from the main file" at_every_step peer remove bo --offline
claim "peer remove of a file" at_every_step peer remove anna --offline
echo "# $KILLS kills without a daemon"

# ---- With the daemon: killed between file and interface, the same said again makes them one.

afresh
must "${ctl[@]}" up
# live_at_every_step UNDO -- COMMAND...
live_at_every_step()
{
	local n=0 status=77 undo=()

	while [ "$1" != -- ]; do undo+=("$1"); shift; done
	shift
	while [ "$status" -eq 77 ] && n=$((n + 1)) && [ $n -lt 100 ]; do
		"$BUILD/net/cut" $n "${ctl[@]}" "$@" >"$T/cut" 2>&1
		status=$?
		"${ctl[@]}" "$@" || { echo "killed at step $n it fails when said again"; return 1; }
		"${ctl[@]}" diff || { echo "killed at step $n, file and interface differ for good"; return 1; }
		"${ctl[@]}" "${undo[@]}" || return 1
	done
	KILLS=$((KILLS + n - 1))
	equal "$status" 0 && [ $n -gt 5 ]
}
claim "peer add, live" live_at_every_step peer remove carl -- peer add carl --pubkey "$(key carl)" --ip 10.8.0.4
claim "peer set, live" live_at_every_step peer set bo --keepalive 0 -- peer set bo --keepalive 25
claim "peer disable, live" live_at_every_step peer enable anna -- peer disable anna
claim "peer enable, live" live_at_every_step peer disable anna -- peer enable anna
must "${ctl[@]}" peer enable anna
claim "peer remove, live" \
	live_at_every_step peer add anna --pubkey "$(key anna)" --ip 10.8.0.3 -- peer remove anna
must "${ctl[@]}" down
echo "# $KILLS kills"

# ---- Two at once

afresh
many=()
for i in 1 2 3 4 5 6; do
	"${ctl[@]}" peer set bo --offline --ip "10.8.1.$i" & many+=($!)
	"${ctl[@]}" peer add "p$i" --offline --pubkey "$(key "p$i")" & many+=($!)
	"${ctl[@]}" peer set anna --offline --keepalive "$i" & many+=($!)
done
all_done() { local p; for p in "${many[@]}"; do wait "$p" || return; done; }
claim "eighteen at once all succeed" all_done
claim "what each did is there" equal \
	"$(cat "$ETC/wg0.conf" "$ETC"/wg0.d/*.peer | grep -cE 'AllowedIPs = 10.8.(1.[1-6]|0\.)|Keepalive = [1-6]')" 9
claim "and all of it is good" "${ctl[@]}" check "$ETC/wg0.conf"

# ---- A full disk, a read-only one

mkdir "$T/small"
must mount -t tmpfs -o size=64k,nr_inodes=32 tmpfs "$T/small"
cp -a "$T/etc.old/." "$T/small"
dd if=/dev/zero of="$T/small/fill" bs=4096 2>/dev/null
small=("${ctl[0]}" --etc "$T/small" -i wg0)
sums() { find "$T/small" -type f ! -name fill -exec sha256sum {} + | sort; }
before=$(sums)
claim "disk full: exit 1" code 1 "${small[@]}" peer add carl --offline --pubkey "$(key carl)"
claim "in one line that says so" equal \
	"$("${small[@]}" peer add carl --offline --pubkey "$(key carl)" 2>&1 | grep -c 'No space left')" 1
claim "disk full: set" code 1 "${small[@]}" peer set bo --offline --keepalive 25
claim "disk full: disable" code 1 "${small[@]}" peer disable anna --offline
claim "nothing is changed and nothing left behind" equal "$(sums)" "$before"
rm "$T/small/fill"
claim "with room again, it is done" code 0 "${small[@]}" peer set bo --offline --keepalive 25
before=$(sums)
must mount -o remount,ro "$T/small"
claim "read-only: exit 5" code 5 "${small[@]}" peer add carl --offline --pubkey "$(key carl)"
claim "in one line that says so" equal "$("${small[@]}" peer remove bo --offline 2>&1)" \
	"tunctl: peer remove: $T/small/tunneld: Read-only file system"
claim "read-only: rename" code 5 "${small[@]}" peer rename anna ann
claim "what is so already needs no write" code 0 "${small[@]}" peer set bo --offline --keepalive 25
claim "nothing is changed" equal "$(sums)" "$before"
