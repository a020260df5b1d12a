#!/bin/bash
# SPDX-License-Identifier: MIT
# What tunctl does to a peer that is there: set, rename, enable, disable, kick. Each in the file and in the running
# interface, each said twice; every byte of the file around the change stays; sessions live on, but for the kicked.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/etc/tunneld"
ETC=$T/etc/tunneld
outside
tunnel tunneld tunneld
ctl() { n a "$TUNCTL" --etc "$T/etc" -i wga "$@"; }
of_peer() { wg show wga "$1" | awk -v k="$2" '$1 == k { $1 = ""; print substr($0, 2) }'; }
sum() { { find "$T/etc" -type f -exec sha256sum {} +; wg show wga dump | cut -f 1-4,8; } | sort; }
unchanged() { local before; before=$(sum); "$@" && equal "$(sum)" "$before"; }
export T TUNCTL
export -f ctl n

# The running peer b in the main file, two more in files of their own.
write_main()
{
	cat >"$ETC/wga.conf" <<-END
		[Interface]	# ours
		PrivateKey = $(cat "$T/a.key")
		ListenPort = 1001
		Address = 192.168.9.1/24, fd09::1/64

		# The other side.
		[Peer]
		#: Name = b
		PublicKey=$(key b)
		AllowedIPs =  192.168.9.2/32,fd09::2/128	# two
		Endpoint = 10.0.0.2:1002
		$1
		# The end.
	END
}
write_main ""
cp "$ETC/wga.conf" "$T/before.conf"
must ctl peer add carl -q --pubkey "$(key carl)" --ip 192.168.9.50 --note "Carl's" --tag family --tag phone
must ctl peer add dora -q --runtime --pubkey "$(key dora)" --ip 192.168.9.60
must reach a 192.168.9.2
begun=$(handshake_of wgb)

# ---- set

claim "exit 2: nothing to set" unchanged code 2 ctl peer set carl
claim "exit 3: no such peer" unchanged code 3 ctl peer set nobody --keepalive 1
claim "exit 4: an address of another" unchanged code 4 ctl peer set carl --ip 192.168.9.2
claim "exit 4: our own address" unchanged code 4 ctl peer set carl --ip 192.168.9.1
claim "exit 2: the broadcast address" unchanged code 2 ctl peer set carl --ip 192.168.9.255
claim "exit 2: the network's, by add" unchanged code 2 ctl peer add eve --pubkey "$(key eve)" --ip 192.168.9.0
claim "exit 2: that of IPv6" unchanged code 2 ctl peer add eve --pubkey "$(key eve)" --ip fd09::
claim "exit 2: a multicast address" unchanged code 2 ctl peer add eve --pubkey "$(key eve)" --ip 224.0.0.5
claim "exit 2: one of IPv6" unchanged code 2 ctl peer add eve --pubkey "$(key eve)" --ip ff02::5
claim "a network of them is a route" unchanged code 0 ctl peer add -n eve --pubkey "$(key eve)" --ip 224.0.0.0/24
claim "exit 2: a name that is an address" unchanged code 2 ctl peer add 10.8.0.2 --pubkey "$(key eve)"
claim "exit 2: nor by rename" unchanged code 2 ctl peer rename carl 192.168.9.2
claim "exit 2: set picks no address, which is said" unchanged code 2 bash -c "
	ctl peer set carl --ip auto 2>&1 | tee '$T/said'; grep -q 'for peer add' '$T/said' && exit 2"
claim "-n changes nothing" unchanged code 0 ctl peer set carl -n --ip 192.168.9.51
claim "what is so is not written again" unchanged code 0 ctl peer set b --ip fd09::2 --ip 192.168.9.2
claim "set keepalive in the main file" code 0 ctl peer set b --keepalive 25
claim "one line more, every other byte stays" equal "$(diff "$T/before.conf" "$ETC/wga.conf")" \
	"$(printf '11a12\n> PersistentKeepalive = 25')"
claim "it is live" equal "$(of_peer persistent-keepalive "$(key b)")" 25
claim "set twice is once" unchanged code 0 ctl peer set b --keepalive 25
claim "keepalive off takes the line away" code 0 ctl peer set b --keepalive off
claim "as does 0" unchanged code 0 ctl peer set b --keepalive 0
claim "the file is as it was" cmp "$ETC/wga.conf" "$T/before.conf"
claim "keepalive is off" equal "$(of_peer persistent-keepalive "$(key b)")" off
claim "an address, named by address" code 0 ctl set 192.168.9.50 --ip 192.168.9.51 --ip 10.50.0.0/16
claim "both live and saved" bash -c "wg show wga allowed-ips | grep -q '192.168.9.51/32 10.50.0.0/16' &&
	grep -qx 'AllowedIPs = 192.168.9.51/32, 10.50.0.0/16' '$ETC/wga.d/carl.peer'"
(umask 077; wg genpsk >"$T/psk")
claim "a preshared key by file" code 0 ctl peer set carl --psk "$T/psk"
claim "it is live" equal "$(of_peer preshared-keys "$(key carl)")" "$(cat "$T/psk")"
claim "and none" code 0 ctl peer set carl --psk none
claim "none is live" equal "$(of_peer preshared-keys "$(key carl)")" "(none)"
claim "the file does not hold it" not grep -q PresharedKey "$ETC/wga.d/carl.peer"
claim "an endpoint, live and saved" bash -c "ctl set carl --endpoint 10.0.0.9:7 &&
	wg show wga endpoints | grep -q '10.0.0.9:7' && grep -qx 'Endpoint = 10.0.0.9:7' '$ETC/wga.d/carl.peer'"
claim "note and tags in JSON" json '.changed and .peer.note == "new" and .peer.tags == ["a", "b"]' \
	ctl peer set carl --note new --tag a --tag b
claim "taken away" json '.changed and (.peer | has("note") or has("tags") | not)' ctl peer set carl --note "" --tag ""
claim "--offline writes only the file" bash -c "ctl set carl --offline --keepalive 9 &&
	grep -q 'Keepalive = 9' '$ETC/wga.d/carl.peer' && ! wg show wga persistent-keepalive | grep -qw 9"
claim "reload -n says what it would do" bash -c "ctl reload -n | tee '$T/said'
	grep -qx 'would change: carl: PersistentKeepalive, from 0 to 9' '$T/said'"
claim "and does nothing" not grep -qw 9 <(wg show wga persistent-keepalive)
claim "said without it, the interface follows" bash -c "ctl set carl --keepalive 9 &&
	wg show wga persistent-keepalive | grep -qw 9"
claim "--runtime writes no file" bash -c "ctl set carl --runtime --keepalive 8 &&
	grep -q 'Keepalive = 9' '$ETC/wga.d/carl.peer' && wg show wga persistent-keepalive | grep -qw 8"
claim "exit 3: a peer of no file, without --runtime" unchanged code 3 ctl set 192.168.9.60 --keepalive 5
claim "with --runtime" code 0 ctl set 192.168.9.60 --runtime --keepalive 5
claim "-q is silent" equal "$(ctl set -q carl --keepalive 10 2>&1)" ""

# ---- rename

claim "rename a peer of its own file" code 0 ctl peer rename carl carla
claim "its file has the new name" bash -c "test -e '$ETC/wga.d/carla.peer' && ! test -e '$ETC/wga.d/carl.peer'"
claim "said again it is done" unchanged code 0 ctl rename carl carla
claim "exit 4: a name that is taken" unchanged code 4 ctl rename carla b
claim "exit 3: nobody" unchanged code 3 ctl rename nobody else
claim "exit 2: no name" unchanged code 2 ctl rename carla ../x
claim "exit 3: only live" unchanged code 3 ctl rename "$(key dora)" dora
claim "rename in the main file" code 0 ctl rename b other
claim "one line of it changes" equal "$(diff "$T/before.conf" "$ETC/wga.conf" | grep -c '^[<>]')" 2
claim "and back" code 0 ctl rename other b
claim "the file is as it was, again" cmp "$ETC/wga.conf" "$T/before.conf"

# ---- disable, enable

claim "sessions lived through all this" equal "$(handshake_of wgb)" "$begun"
claim "disable a peer of the main file" code 0 ctl disable b
claim "it is not live" not grep -qF "$(key b)" <(wg show wga peers)
claim "nothing passes" not reach a 192.168.9.2 -W 1
claim "the list says so" bash -c "ctl list | grep '^b ' | grep -q disabled"
claim "in JSON" json '.peers[] | select(.name == "b") | .enabled == false and .live == false' ctl list
claim "disabled twice is once" unchanged code 0 ctl disable b
claim "add does not let it in" unchanged code 0 ctl add b
claim "its address stays its own" unchanged code 4 ctl add eve --pubkey "$(key eve)" --ip 192.168.9.2
claim "enable -n changes nothing" unchanged code 0 ctl enable -n b
claim "enable" code 0 ctl enable b
claim "the file is as it was before" cmp "$ETC/wga.conf" "$T/before.conf"
claim "packets pass" wait_for 20 reach a 192.168.9.2 -W 1
claim "enabled twice is once" unchanged code 0 ctl enable b
claim "disable and enable a peer of its own file" bash -c "sha256sum '$ETC/wga.d/carla.peer' >'$T/sum' &&
	ctl disable carla && ctl enable carla && sha256sum -c '$T/sum'"
claim "disable --runtime leaves the file" bash -c "ctl disable carla --runtime && sha256sum -c '$T/sum' &&
	! wg show wga | grep -q 192.168.9.51 && ctl enable carla && wg show wga | grep -q 192.168.9.51"

# ---- kick

must ctl set b --keepalive 7 --psk none
wg show wga dump | cut -f 1-4,8 | sort >"$T/dump"
old=$(handshake_of wgb)
claim "kick -n ends nothing" unchanged code 0 ctl kick -n b
sleep 1
claim "kick" code 0 ctl kick b
claim "the peer stays with all it had" equal "$(wg show wga dump | cut -f 1-4,8 | sort)" "$(cat "$T/dump")"
claim "packets pass again" wait_for 20 reach a 192.168.9.2 -W 1
claim "by a new session" test "$(handshake_of wga)" -gt "$old"
must ctl disable carla
claim "kick of what is not live changes nothing" json '.changed == false' ctl kick carla
claim "exit 3: kick nobody" code 3 ctl kick nobody

# ---- A daemon that refuses

cat >"$T/fake" <<-END
	#!/bin/bash
	read -r op
	while read -r line && [ -n "\$line" ]; do :; done
	[ "\$op" = get=1 ] && cat "$T/get" || printf 'errno=%s\n\n' "\$(cat "$T/answer")"
END
chmod +x "$T/fake"
printf '[Interface]\n[Peer]\n#: Name = gus\nPublicKey = %s\nAllowedIPs = 10.9.0.2/32\n' "$(key gus)" >"$ETC/wg6.conf"
hex=$(key gus | base64 -d | od -An -tx1 | tr -d ' \n')
printf 'public_key=%s\npersistent_keepalive_interval=0\nallowed_ip=10.9.0.2/32\nerrno=0\n\n' "$hex" >"$T/get"
spawn fake a socat UNIX-LISTEN:/run/wireguard/wg6.sock,fork EXEC:"$T/fake" 2>"$T/fake.log"
wait_for 5 test -S /run/wireguard/wg6.sock
ctl6() { n a "$TUNCTL" --etc "$T/etc" -i wg6 "$@"; }
same6() { local before; before=$(cat "$ETC/wg6.conf" "$ETC"/wg6.d/* 2>/dev/null | sha256sum); "$@" &&
	equal "$(cat "$ETC/wg6.conf" "$ETC"/wg6.d/* 2>/dev/null | sha256sum)" "$before"; }
echo -22 >"$T/answer"
claim "refused: the file is put back, exit 1" same6 code 1 ctl6 set gus --keepalive 5
claim "refused: disable" same6 code 1 ctl6 disable gus
claim "refused: add" same6 code 1 ctl6 add hal --pubkey "$(key hal)" --ip 10.9.0.3
echo -5 >"$T/answer"
claim "not well: saved but not live, exit 7" code 7 ctl6 set gus --keepalive 5
claim "the file has it" grep -q 'Keepalive = 5' "$ETC/wg6.conf"
claim "said again, still 7" same6 code 7 ctl6 set gus --keepalive 5
echo 0 >"$T/answer"
claim "said again when it is well" same6 code 0 ctl6 set gus --keepalive 5
