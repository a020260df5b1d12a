#!/bin/bash
# SPDX-License-Identifier: MIT
# From nothing to a connected phone: init on a bare machine, and a client that reaches the world with what was printed,
# by nothing but the commands that a new operator types. Again, it changes nothing; failed, it leaves nothing.
#
#   phone 203.0.113.2 ---- 203.0.113.1 vps 192.0.2.1 ---- 192.0.2.2 world
#
# The world knows no way back to the phone or the tunnel.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/wireguard" "$T/phone/tunneld"
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
ETC=$T/etc/tunneld
ctl() { n vps "$T/bin/tunctl" --etc "$T/etc" "$@"; }
export T
export -f ctl n
sum() { { find "$T/etc" -printf '%p %m\n'; find "$T/etc" -type f -exec sha256sum {} +; } | sort; }
unchanged() { local before; before=$(sum); "$@" && equal "$(sum)" "$before"; }
running() { n vps ip -o link show "$1"; }

spaces phone vps world
wire phone out vps in
wire vps out world in
addr phone out 203.0.113.2/24 fd51::2/64
addr vps in 203.0.113.1/24 fd51::1/64
addr vps out 192.0.2.1/24 2001:db8:2::1/64
addr world in 192.0.2.2/24 2001:db8:2::2/64
must ip -n phone route add default via 203.0.113.1
must ip -n phone -6 route add default via fd51::1
must ip -n vps route add default via 192.0.2.2
must ip -n vps -6 route add default via 2001:db8:2::2
# What is here already: nearly all of 10/8, and others' tunnels.
must ip -n vps route add 10.0.0.0/9 via 192.0.2.2
printf '[Interface]\nAddress = 10.128.0.1/10\nListenPort = 20000\n' >"$T/etc/wireguard/other.conf"
printf '[Peer]\nAllowedIPs = 10.192.0.0/11, 10.224.0.0/12, 0.0.0.0/0\n' >>"$T/etc/wireguard/other.conf"
printf 'nameserver 127.0.0.53\nnameserver 10.250.0.53\nnameserver 192.0.2.53\n' >"$T/etc/resolv.conf"

# ---- Before anything is done

claim "-n says what would be done" unchanged bash -c "ctl init -n | grep -q 'would write: $ETC/wg0.conf'"
claim "exit 2: a port that is none" unchanged code 2 ctl init --port 0
claim "exit 4: a port of another configuration" unchanged code 4 ctl init --port 20000
claim "exit 4: a network that is in use" unchanged code 4 ctl init --ip 10.3.0.1/24
claim "exit 2: a host that is none" unchanged code 2 ctl init --endpoint 'a b'
claim "exit 2: a line smuggled in" unchanged code 2 ctl init --endpoint $'a\nPostUp = x'
claim "exit 2: a name server that is none" unchanged code 2 ctl init --dns 10.0.0.300
claim "exit 4: a name that is another program's" unchanged code 4 ctl init other
must ip -n vps link add wg9 type veth peer name wg9peer
claim "exit 4: an interface that is there" unchanged code 4 ctl init wg9
must mkdir "$T/ro"
must mount -t tmpfs -o ro tmpfs "$T/ro"
claim "exit 5: a place that is read-only, which is said" bash -c "
	n vps '$T/bin/tunctl' --etc '$T/ro' init --conf '$T/none.conf' 2>&1 | tee '$T/said';
	test \${PIPESTATUS[0]} = 5 &&
	grep -q 'ro/tunneld: Read-only file system$' '$T/said' && ! test -e '$T/none.conf'"
claim "a daemon that does not start leaves nothing" unchanged code 1 bash -c "ln -sf /bin/false '$T/bin/tunneld'
	ctl init --conf '$T/none.conf' --keep-key; is=\$?; ln -sf '$TUNNELD' '$T/bin/tunneld'; exit \$is"
claim "no file of the client's, either" not test -e "$T/none.conf"
claim "and the phone reaches nothing" not n phone ping -n -c 1 -W 1 192.0.2.2
claim "by IPv6, either" not n phone ping -n -c 1 -W 1 2001:db8:2::2

# ---- A server from nothing

begin=$(date +%s%N)
claim "init" bash -c "ctl init >'$T/phone/tunneld/home0.conf' 2>'$T/said'"
took=$((($(date +%s%N) - begin) / 1000000))
claim "it is up" running wg0
claim "it answers" answers wg0
port=$(wg show wg0 listen-port)
claim "the port is none that the kernel gives away" test "$port" -ge 10000 -a "$port" -le 32767
claim "it says which" grep -q "UDP port $port" "$T/said"
claim "files are closed to others" equal "$(stat -c %a "$ETC/wg0.conf" "$ETC/wg0.d/phone.peer" "$ETC/wg0.d" | xargs)" \
	"600 600 700"
address=$(sed -n 's/^Address = \([^,/]*\)\/24, fd.*::1\/64$/\1/p' "$ETC/wg0.conf")
claim "its network is none of those in use" grep -q '^10\.2[45]' <<<"$address"
claim "nor is a name server in it" not grep -q '^10\.250\.0\.' <<<"$address"
claim "name servers of this machine are for clients" \
	grep -qx 'ClientDNS = 10.250.0.53, 192.0.2.53' "$ETC/wg0.conf"
claim "the private key of the phone is nowhere" \
	not grep -rqF "$(sed -n 's/PrivateKey = //p' "$T/phone/tunneld/home0.conf")" "$T/etc" /run/lock

claim "again, it changes nothing" unchanged bash -c "ctl init | grep -q 'already there, UDP port $port'"
claim "nor with what is so" unchanged code 0 ctl init wg0 --port "$port" --endpoint 192.0.2.1 --client phone
claim "exit 4: with another port" unchanged code 4 ctl init --port 7
claim "exit 4: with another client" unchanged code 4 ctl init --client anna
claim "as JSON" bash -c "ctl init --json | jq -e '.changed == false and .running and .port == $port'"

# ---- The phone

# No resolvconf here, and no names.
sed -i '/^DNS/d' "$T/phone/tunneld/home0.conf"
chmod 600 "$T/phone/tunneld/home0.conf"
claim "the phone connects" n phone "$T/bin/tunctl" --etc "$T/phone" up home0
claim "it reaches the server" n phone ping -n -c 1 -W 5 "$address"
claim "and the world by way of it" n phone ping -n -c 1 -W 5 192.0.2.2
claim "by IPv6, too" n phone ping -n -c 1 -W 5 2001:db8:2::2
claim "a second client by the server's own word" bash -c "ctl -i wg0 peer add anna --conf '$T/anna.conf' &&
	grep -qx 'Endpoint = 192.0.2.1:$port' '$T/anna.conf' && grep -qx 'AllowedIPs = 0.0.0.0/0, ::/0' '$T/anna.conf'"

# ---- Other ways

claim "a second server beside the first" bash -c "ctl init wg1 --no-start --client bo --conf '$T/bo.conf' \
	--endpoint fd51::1 --port 444 --ip 172.20.0.1/24 --dns ''"
claim "is not started" not running wg1
claim "and says what it was told" bash -c "grep -qx 'Endpoint = \[fd51::1\]:444' '$T/bo.conf' &&
	grep -qx 'Address = 172.20.0.2/32' '$T/bo.conf' && ! grep -q ^DNS '$T/bo.conf'"
claim "exit 2: now one must be named" code 2 ctl init
rm "$ETC/wg1.conf"
claim "exit 4: peers of an earlier one do not join" unchanged code 4 ctl init wg1 --no-start --client carl
claim "the same client's is written anew" code 0 ctl init wg1 --no-start --client bo --conf "$T/bo2.conf"
must ip -n vps route del default
must ip -n vps -6 route del default
claim "exit 2: no way out, so no way in" code 2 ctl init wg2

# ---- Killed before every step: nothing that counts or a whole server, and the same said again makes one

whole() { "$T/bin/tunctl" check "$T/cut/tunneld/wg5.conf" && equal "$(ls "$T/cut/tunneld/wg5.d")" phone.peer; }
KILLS=0
at_every_step()
{
	local n=0 status=77 conf=$T/cut/tunneld/wg5.conf
	local once=("$T/bin/tunctl" --etc "$T/cut" -q init wg5 --no-start --conf -)

	while [ "$status" -eq 77 ] && n=$((n + 1)) && [ $n -lt 100 ]; do
		rm -rf "$T/cut"
		mkdir "$T/cut"
		n vps "$BUILD/net/cut" $n "${once[@]}" >"$T/out"
		status=$?
		[ ! -e "$conf" ] || whole || { echo "killed at step $n it leaves a half"; return 1; }
		n vps "${once[@]}" >"$T/out" || { echo "killed at step $n it fails when said again"; return 1; }
		whole || return 1
	done
	KILLS=$((n - 1))
	equal "$status" 0 && [ $n -gt 8 ]
}
must ip -n vps route add default via 192.0.2.2
claim "init" at_every_step
echo "# $KILLS kills"

# ---- systemd: init enables the unit; what it does otherwise is systemd's

cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache "$T/etc/" 2>/dev/null
rm -rf "$ETC"
must mount --bind "$T/etc" /etc
mkdir -p /run/systemd/system
cat >"$T/bin/systemctl" <<-END
	#!/bin/bash
	echo "\$*" >>"$T/asked"
	[ "\$1" = cat ] || [ -e "$T/works" ] || [ "\$2" = disable ]
END
chmod +x "$T/bin/systemctl"
# The first process is in the same network, as systemd is.
boot()
{
	# shellcheck disable=SC2016
	PATH=$T/bin:$PATH n vps unshare -mpf --kill-child --mount-proc bash -c '"$@"; exit' - \
		"$T/bin/tunctl" init wg3 --client dora
}
claim "a unit that does not start leaves nothing" unchanged code 1 boot
claim "and is not enabled" equal "$(tail -n 1 "$T/asked")" "--quiet disable --now tunneld@wg3.service"
touch "$T/works"
claim "with systemd the unit is enabled and started" code 0 boot
claim "by one command" equal "$(tail -n 1 "$T/asked")" "--quiet enable --now tunneld@wg3.service"
: >"$T/asked"
PATH=$T/bin:$PATH must n vps "$T/bin/tunctl" init wg4 --client emil
claim "in another network than systemd's it is not asked" not grep -q wg4 "$T/asked"
claim "and the interface is up here" n vps wg show wg4
PATH=$T/bin:$PATH must n vps "$T/bin/tunctl" down wg4
echo "# init took $took ms, 12 keystrokes (tunctl init, Enter)"
