#!/bin/bash
# SPDX-License-Identifier: MIT
# Moving in and moving house: import from wg-quick, PiVPN and wg-easy, backup and restore; each killed at every step.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

ETC=$T/etc/tunneld
ctl() { "$TUNCTL" --etc "$T/etc" --var "$T/var" "$@"; }
export T TUNCTL
export -f ctl
fresh() { rm -rf "${T:?}/etc" "${T:?}/var"; mkdir -p "$T/etc" "$T/var"; }
files() { find "$T/etc" "$T/var" -type f ! -name '.*' ! -path '*/lock/*' -exec sha256sum {} + | sort; }

# ---- wg-quick and PiVPN

mkdir -p "$T/wireguard/configs"
(umask 077
cat >"$T/wireguard/wg0.conf" <<-END
	[Interface]
	PrivateKey = $(wg genkey)
	Address = 10.6.0.1/24
	ListenPort = 51820
	### begin anna ###
	[Peer]
	PublicKey = $(key anna)
	PresharedKey = $(wg genpsk)
	AllowedIPs = 10.6.0.2/32
	### end anna ###
	#[disabled] ### begin bo ###
	#[disabled] [Peer]
	#[disabled] PublicKey = $(key bo)
	#[disabled] AllowedIPs = 10.6.0.3/32
	#[disabled] ### end bo ###
END
printf '# Mine.\n[Interface]\nPrivateKey = %s\nAddress = 10.7.0.1/24\nSaveConfig=false\n' "$(wg genkey)" \
	>"$T/wireguard/home.conf"
echo 'not for us' >"$T/wireguard/configs/anna.conf")
fresh
before=$(find "$T/wireguard" -type f -exec sha256sum {} +)
claim "import -n shows the plan" bash -c "ctl import -n '$T/wireguard' | grep -c 'would be imported' | grep -qx 2"
claim "and writes nothing" equal "$(files)" ""
claim "import of a directory" json '.v == 1 and ([.interfaces[] | select(.interface == "wg0")][0] |
	.peers == 2 and .named == 2 and .disabled == 1 and .changed)' ctl import "$T/wireguard"
claim "what is of wg-quick is kept to the byte" cmp "$T/wireguard/home.conf" "$ETC/home.conf"
claim "of PiVPN's only names and what is off are new" equal \
	"$(diff <(sed 's/^#.disabled. //' "$T/wireguard/wg0.conf") "$ETC/wg0.conf" | grep '^[<>]')" \
	"$(printf '> #: Name = anna\n> #: Name = bo\n> #: Enabled = false')"
claim "closed to others" equal "$(stat -c %a "$ETC/wg0.conf")" 600
claim "names and states are seen" json '[.peers[] | {name, enabled}] ==
	[{"name": "anna", "enabled": true}, {"name": "bo", "enabled": false}]' ctl -i wg0 list
claim "imported again it is there already" json '[.interfaces[].changed] == [false, false]' ctl import "$T/wireguard"
claim "the source is as it was" equal "$(find "$T/wireguard" -type f -exec sha256sum {} +)" "$before"
echo '# edited' >>"$ETC/home.conf"
rm "$ETC/wg0.conf"
claim "exit 4: another one is there" code 4 ctl import "$T/wireguard"
claim "and nothing is written" not test -e "$ETC/wg0.conf"
claim "one file alone, under another name" \
	eval 'ctl -i wg7 import -q "$T/wireguard/wg0.conf" && test -e "$ETC/wg7.conf"'
sed -i 's/10.6.0.3/10.6.0.2/; s/#.disabled. //' "$T/wireguard/wg0.conf"
fresh
claim "exit 2: two clients with one address" code 2 ctl import "$T/wireguard"
claim "nothing is written, not even what is good" equal "$(files)" ""
claim "exit 2: no such path" code 2 ctl import "$T/nowhere"

# ---- wg-easy

mkdir "$T/easy"
cat >"$T/easy/wg0.json" <<-END
	{"server": {"privateKey": "$(wg genkey)", "publicKey": "x", "address": "10.8.0.1"}, "clients": {
	"5d": {"name": "Anna's phone", "address": "10.8.0.2", "publicKey": "$(key anna)",
		"preSharedKey": "$(wg genpsk)", "enabled": true},
	"7e": {"name": "bo", "address": "10.8.0.3", "publicKey": "$(key bo)", "enabled": false}}}
END
fresh
claim "wg-easy by its .json file" json '.interfaces[0] | .peers == 2 and .named == 2 and .disabled == 1' \
	ctl import "$T/easy/wg0.json"
claim "check finds nothing wrong" equal "$(ctl check -q "$ETC/wg0.conf")" ""
claim "names are kept" json '[.peers[].name] == ["Anna-s-phone", "bo"] and (.peers[0].note | length) == 12' \
	ctl -i wg0 list
printf '# Server\n[Interface]\nPrivateKey = %s\nAddress = 10.8.0.1/24\nPreUp = \n\n\n' "$(wg genkey)" \
	>"$T/easy/wg0.conf"
printf "# Client: Anna's phone (5d)\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.0.2/32" "$(key anna)" \
	>>"$T/easy/wg0.conf"
fresh
claim "its directory: clients that are off come from the .json file" json \
	'.interfaces[0] | .peers == 2 and .named == 2 and .disabled == 1' ctl import "$T/easy"
claim "check finds nothing wrong" equal "$(ctl check -q "$ETC/wg0.conf")" ""
claim "exit 2: no JSON" eval 'echo "{" >"$T/bad.json"; code 2 ctl import "$T/bad.json"'

# ---- backup, restore

must ctl -i wg0 add -q --offline --keep-key carl --conf "$T/carl.conf"
must ctl -i wg0 add -q --offline dora --pubkey "$(key dora)" --note "Dora's"
mkdir -p "$T/var/tunneld/wg0"
echo 'counted' >"$T/var/tunneld/wg0/usage"
# A key in a file of its own is one file more.
(umask 077; sed -n 's/^PrivateKey = //p' "$ETC/wg0.conf" >"$ETC/wg0.key"; wg genkey >"$T/other.key")
sed -i 's/^PrivateKey = .*/PrivateKeyFile = wg0.key/' "$ETC/wg0.conf"
saved=$(files)
claim "backup into a file" code 0 ctl backup wg0 -o "$T/b"
claim "closed to others" equal "$(stat -c %a "$T/b")" 600
claim "on standard output, the same but for the date" equal \
	"$(ctl backup wg0 | jq -S 'del(.created)')" "$(jq -S 'del(.created)' "$T/b")"
claim "exit 2: not onto a terminal" code 2 script -qec "$TUNCTL --etc $T/etc backup wg0 >/dev/tty" /dev/null
mknod "$T/null" c 1 3
claim "exit 2: not in the place of what is no plain file" code 2 ctl backup wg0 -o "$T/null"
claim "that is as it was" test -c "$T/null"
claim "restore over the same is done already" json '.changed == false' ctl restore "$T/b"
must ctl -i wg0 remove -q --offline dora
must ctl -i wg0 set -q --offline bo --keepalive 7
changed=$(files)
claim "exit 4: it differs" code 4 ctl restore "$T/b"
claim "nothing is changed" equal "$(files)" "$changed"
claim "restore -n --force changes nothing" eval 'ctl restore -n --force "$T/b" && equal "$(files)" "$changed"'
cp "$ETC/wg0.conf" "$ETC/wg0.conf.before"
claim "exit 4: not while a configuration is on trial" code 4 ctl restore --force "$T/b"
claim "nothing is changed" eval 'rm "$ETC/wg0.conf.before"; equal "$(files)" "$changed"'
must ctl -i wg0 add -q --offline eve --pubkey "$(key eve)"
claim "restore --force" json '.changed and .written == 3' ctl restore --force "$T/b"
claim "all is as it was, and no more" equal "$(files)" "$saved"
cp -a "$T/etc" "$T/etc.saved"; cp -a "$T/var" "$T/var.saved"
fresh
claim "restore where nothing is" code 0 ctl restore -q "$T/b"
claim "all is as it was" equal "$(files)" "$saved"
rm "$ETC/wg0.conf"
claim "what an interface that is no more has left may stay if it is the same" code 0 ctl restore -q "$T/b"
claim "all is as it was, again" equal "$(files)" "$saved"
rm "$ETC/wg0.conf"
printf '[Peer]\nPublicKey = %s\n' "$(key eve)" >"$ETC/wg0.d/eve.peer"
claim "exit 4: a peer of it would be let in" code 4 ctl restore "$T/b"
claim "nothing is there yet" not test -e "$ETC/wg0.conf"
claim "with --force that one goes" eval 'ctl restore -q --force "$T/b" && equal "$(files)" "$saved"'
claim "from the one into the other" eval 'rm -r "$ETC/wg0.conf" "$ETC/wg0.d" && cat "$T/b" | ctl restore -q - &&
	equal "$(files)" "$saved"'
claim "exit 2: a pipe that was cut short" code 2 ctl restore -i wg9 - < <(head -c 100 "$T/b")
claim "under another name" eval 'ctl restore -q -i wg8 "$T/b" && cmp "$ETC/wg0.conf" "$ETC/wg8.conf" &&
	cmp "$ETC/wg0.d/dora.peer" "$ETC/wg8.d/dora.peer"'
head -c -40 "$T/b" >"$T/short"
claim "exit 2: cut short" code 2 ctl restore -i wg9 "$T/short"
sed 's/"data": "W/"data": "X/' "$T/b" >"$T/changed"
claim "exit 2: changed" code 2 ctl restore -i wg9 "$T/changed"
sed 's|d/dora.peer|d/../../x.peer|' "$T/b" >"$T/evil"
claim "exit 2: a name that leads elsewhere" code 2 ctl restore -i wg9 "$T/evil"
claim "nothing of it is written" not test -e "$ETC/wg9.conf" -o -e "$ETC/wg9.d" -o -e "$T/etc/x.peer"

# ---- Killed at every step

KILLS=0
# What is neither old nor new must be finished by the next command; IN_BETWEEN says what may be seen until then.
killed_everywhere()
{
	local n=0 status=77 seen

	while [ "$status" -eq 77 ] && n=$((n + 1)) && [ $n -lt 200 ]; do
		"$START"
		"$BUILD/net/cut" $n "$TUNCTL" --etc "$T/etc" --var "$T/var" -q "$@"
		status=$?
		seen=$(files)
		[ "$seen" = "$OLD" ] || [ "$seen" = "$NEW" ] || eval "$IN_BETWEEN" ||
			{ echo "step $n leaves a mixture:"; echo "$seen"; return 1; }
		ctl -q "$@" || { echo "step $n: fails when said again"; return 1; }
		equal "$(files)" "$NEW" || { echo "after step $n"; return 1; }
	done
	KILLS=$((KILLS + n - 1))
	equal "$status" 0 && [ $n -gt 5 ]
}
NEW=$saved
START=fresh
fresh
OLD=$(files)
IN_BETWEEN='not test -e "$ETC/wg0.conf"'	# no interface yet
claim "restore where nothing is, killed at every step" killed_everywhere restore "$T/b"
different()
{
	fresh
	cp -a "$T/etc.saved/." "$T/etc"
	cp -a "$T/var.saved/." "$T/var"
	sed -i '/bo/,$s/10.8.0.3/10.8.0.4/' "$ETC/wg0.conf"
	sed -i '/Note/d' "$ETC/wg0.d/dora.peer"
	rm "$ETC/wg0.d/carl.peer"
	cp "$T/other.key" "$ETC/wg0.key"
}
START=different
different
OLD=$(files)
IN_BETWEEN='test -e "$ETC/.wg0.restore"'	# the way on is known
claim "restore --force, killed at every step" killed_everywhere restore --force "$T/b"

# finished_by COMMAND...: killed when the archive is kept and nothing else is done, COMMAND finishes it.
finished_by()
{
	local n=0

	different
	while [ ! -e "$ETC/.wg0.restore" ]; do
		n=$((n + 1))
		"$BUILD/net/cut" $n "$TUNCTL" --etc "$T/etc" --var "$T/var" -q restore --force "$T/b"
		[ $n -lt 200 ] || return
	done
	equal "$(files)" "$OLD" && "$@" && not test -e "$ETC/.wg0.restore"
}
claim "a change finishes it first" finished_by ctl -i wg0 remove -q --offline dora
claim "and is not undone by it" eval 'ctl -i wg0 remove -q --offline carl && not test -e "$ETC/wg0.d/dora.peer" &&
	equal "$(files | wc -l)" $(($(wc -l <<<"$NEW") - 3))'
claim "the service's start finishes it" finished_by ctl rollback --stale -q wg0
claim "and all is as it was" equal "$(files)" "$NEW"
claim "so does backup" finished_by ctl backup wg0 -o "$T/b2"
claim "which is the same" equal "$(jq -S 'del(.created)' "$T/b2")" "$(jq -S 'del(.created)' "$T/b")"
START=fresh
fresh
must ctl import "$T/easy"
NEW=$(files)
fresh
OLD=$(files)
IN_BETWEEN=false
claim "import, killed at every step" killed_everywhere import "$T/easy"
echo "# $KILLS kills"
