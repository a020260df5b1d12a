#!/bin/bash
# SPDX-License-Identifier: MIT
# The state as a whole: check finds every fault of a file, diff what a file and the running interface do not share.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
spaces a
ctl() { n a "$T/bin/tunctl" --etc "$T/etc" "$@"; }
export T
export -f ctl n

(umask 077; wg genkey >"$T/k")
cat >"$ETC/wg0.conf" <<-END
	[Interface]
	PrivateKey = $(cat "$T/k")
	ListenPort = 1001
	Address = 10.8.0.1/24, fd08::1/64
	[Peer]
	#: Name = bo
	PublicKey = $(key bo)
	AllowedIPs = 10.8.0.2/32
END
chmod 600 "$ETC/wg0.conf"
must ctl peer add anna -q --offline --pubkey "$(key anna)" --ip 10.8.0.7

# ---- check

claim "check: a good file" code 0 ctl check "$ETC/wg0.conf"
claim "-q says nothing about it" equal "$(ctl check -q "$ETC/wg0.conf" 2>&1)" ""
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.0.2, 10.8.0.300\nBogus = 1\n' "$(key anna)" >"$ETC/wg0.d/eve.peer"
chmod 600 "$ETC/wg0.d/eve.peer"
claim "check: every error by line and column" \
	equal "$(ctl check "$ETC/wg0.conf" | sed 's/.*wg0.d.//; s/: error:.*//')" \
	"$(printf 'eve.peer:2:13\neve.peer:3:14\neve.peer:3:24\neve.peer:4:1')"
claim "exit 2" code 2 ctl check "$ETC/wg0.conf"
claim "in JSON" code 2 json '.v == 1 and .errors == 4 and .peers == 3 and .problems[0].line == 2 and
	.problems[0].level == "error"' ctl check "$ETC/wg0.conf"
rm "$ETC/wg0.d/eve.peer"
chmod 644 "$ETC/wg0.conf"
claim "check: keys that everybody may read are a warning" \
	bash -c "ctl check '$ETC/wg0.conf' | grep -q 'warning: everybody'"
chmod 600 "$ETC/wg0.conf"
claim "check: no such file is exit 2" code 2 ctl check "$T/nothing"

# ---- diff

claim "exit 6: diff with what does not run" code 6 ctl diff
must ctl up
claim "diff: the same" code 0 ctl diff
claim "-q is silent" equal "$(ctl diff -q 2>&1)" ""
claim "in JSON" json '.v == 1 and .same and .differences == []' ctl diff
must ctl peer set bo -q --runtime --keepalive 25 --ip 10.8.0.3
must ctl peer add eve -q --runtime --pubkey "$(key eve)" --ip 10.8.0.9
must ctl peer add carl -q --offline --pubkey "$(key carl)" --ip 10.8.0.8
must n a wg set wg0 listen-port 1002
must ip -n a addr add 10.8.9.1/24 dev wg0
claim "exit 4: it differs" code 4 ctl diff
claim "each difference is named" equal "$(ctl diff --json | jq -r '.differences[] | .where[:8] + " " + .what' | sort)" \
	"$(printf '%s\n' "$(key eve | head -c 8) peer" "bo AllowedIPs" "bo PersistentKeepalive" "carl peer" \
	"wg0 Address" "wg0 ListenPort" | sort)"
claim "diff fits 100 columns" not grep -q '.\{101\}' <(ctl diff)

# ---- apply, with the daemon itself

must ctl peer remove -q carl
must n a ip addr del 10.8.9.1/24 dev wg0
must ctl apply -q "$ETC/wg0.conf"
claim "apply of the same file makes what is live the same" code 0 ctl diff
sed 's/10.8.0.2/10.8.0.77/; s/1001/1003/' "$ETC/wg0.conf" >"$T/new.conf"
chmod 600 "$T/new.conf"
claim "apply" code 0 ctl apply -q "$T/new.conf"
claim "it is live" bash -c "ctl diff -q && n a wg show wg0 allowed-ips | grep -q 10.8.0.77 &&
	n a wg show wg0 listen-port | grep -qx 1003"
sed 's/10.8.0.77/10.8.0.78/' "$T/new.conf" >"$T/trial.conf"
claim "on trial" bash -c "ctl apply -q '$T/trial.conf' --confirm 5s && n a wg show wg0 allowed-ips | grep -q 10.8.0.78"
claim "rolled back, live too" wait_for 20 bash -c "cmp '$ETC/wg0.conf' '$T/new.conf' && ctl diff -q &&
	n a wg show wg0 allowed-ips | grep -q 10.8.0.77"
claim "restart after all this" bash -c "ctl down -q && ctl up -q && ctl diff"
