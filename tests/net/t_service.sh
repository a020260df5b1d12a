#!/bin/bash
# SPDX-License-Identifier: MIT
# up, down and restart where systemd runs the unit, and where it does not though it seems so: which is asked to do what.
# Here the first process only has its name, and systemctl is a script; packaging/try has the real ones.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld" "$T/etc/wireguard" "$T/unit" /run/systemd/system
must cp "$TUNCTL" "$T/bin/tunctl"
must ln -s "$TUNNELD" "$T/bin/tunneld"
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache "$T/etc/" 2>/dev/null
must mount --bind "$T/etc" /etc
PATH=$T/bin:$PATH
printf systemd >/proc/$$/comm
spaces a

# What there is of systemd: tunneld@IF, whose state is in $T/unit. A start fails while there is a file `fails`, and
# takes for ever while there is one `hangs`.
cat >"$T/bin/systemctl" <<-END
	#!/bin/bash
	cd "$T/unit" || exit 1
	words=\$(printf '%s\n' "\$@" | grep -v '^--' | paste -sd ' ')
	unit=\${words##* } name=\${unit#*@} name=\${name%.service}
	is() { echo "\$1" >active; }
	start()
	{
		[ ! -e hangs ] || exec sleep 1000
		flock -n /run/lock/tunneld/\$name.lock true || echo "locked: \$words" >>"$T/asked"
		[ ! -e fails ] || { is activating; echo "Job for \$unit failed because of this and that."; exit 1; }
		setsid tunneld -f -c /etc/tunneld/\$name.conf \$name >>log 2>&1 </dev/null &
		pid=\$!
		for i in {1..200}; do
			[ ! -S /run/tunneld/\$name.sock ] || ! wg show \$name >/dev/null || break
			sleep 0.05
		done
		echo \$pid >pid
		is active
	}
	stop()
	{
		is inactive
		pid=\$(cat pid)
		[ "\$pid" -ne 0 ] || return 0
		kill "\$pid" 2>/dev/null
		for i in {1..200}; do
			[ -e "/proc/\$pid/exe" ] || break
			sleep 0.05
		done
		echo 0 >pid
	}
	case \$words in
	show*) printf 'MainPID=%s\nLoadState=%s\nActiveState=%s\n' "\$(cat pid)" "\$(cat load)" "\$(cat active)" ;;
	is-system-running) cat machine ;;
	*) echo "\$*" | sed 's/--quiet //; s/--no-ask-password //' >>"$T/asked" ;;&
	start*) start ;;
	stop*) stop ;;
	restart*) stop; start ;;
	esac
END
chmod +x "$T/bin/systemctl"
is() { echo "$2" >"$T/unit/$1"; }
is load loaded
is active inactive
is pid 0
is machine running
# asked COMMAND...: what systemd is told while it runs, but for what has no end but to be told more.
asked() { : >"$T/asked"; "$@" >"$T/out" 2>"$T/said"; echo $? >"$T/code"; grep -v reset-failed "$T/asked" | paste -sd,; }
# asks WORDS CODE COMMAND...: it is told that, and the command ends with CODE.
asks()
{
	local words=$1 code=$2

	shift 2
	equal "$(asked "$@")" "$words" && equal "$(cat "$T/code")" "$code" && return
	cat "$T/said"
	false
}
unit_runs() { wg show wg0 && equal "$(state .pid)" "$(cat "$T/unit/pid")"; }
state() { echo '{"v":1,"do":"state"}' | timeout 10 socat -t 5 - UNIX-CONNECT:/run/tunneld/wg0.sock | jq "$1"; }
one_line() { equal "$(wc -l <"$T/said")" 1 && grep -q "$1" "$T/said"; }
by_systemd() { equal "$("$@" 2>"$T/said")" "would run: systemctl start tunneld@wg0"; }
by_itself() { grep -qx "would run: [^ ]*/tunneld -c .* wg.*" <("$@" 2>"$T/said"); }

key a >/dev/null
good() { printf '[Interface]\nPrivateKey = %s\nAddress = 10.8.0.1/24\n' "$(cat "$T/a.key")" >/etc/tunneld/wg0.conf; }
good
chmod 600 /etc/tunneld/wg0.conf
bad() { echo "Colour = blue" >>/etc/tunneld/wg0.conf; }

# The machine still starts, and what it waits for waits for us: twenty seconds, meanwhile there is other work.
is machine starting
touch "$T/unit/hangs"
cp /etc/tunneld/wg0.conf /etc/tunneld/wg9.conf
(tunctl up wg9 2>"$T/late"; echo $? >"$T/late.code") &
LATE=$!
wait_for 10 pgrep -f 'sleep 1000'
rm "$T/unit/hangs"
is machine running

# ---- Whose interface is it?

claim "where systemd runs it is asked" by_systemd tunctl up -n wg0
claim "silently" equal "$(cat "$T/said")" ""
claim "not in another network" by_itself n a tunctl up -n wg0
# shellcheck disable=SC2016
elsewhere() { unshare -m sh -c 'f=$1 to=$2; shift 2; mount --bind "$f" "$to"; exec "$@"' - "$@"; }
cp /etc/tunneld/wg0.conf "$T/other.conf"
claim "nor where that file is another one" by_itself elsewhere "$T/other.conf" /etc/tunneld/wg0.conf tunctl up -n wg0
mkdir -p "$T/run/systemd/system" "$T/run/test"
claim "nor where the sockets are others" \
	by_itself elsewhere "$T" "$T/run/test" unshare -m sh -c "mount --rbind $T/run /run; tunctl up -n wg0"
claim "though there is all that it takes" \
	elsewhere "$T" "$T/run/test" unshare -m sh -c "mount --rbind $T/run /run; systemctl show"
claim "but where only something else is" by_systemd elsewhere "$T" /mnt tunctl up -n wg0
claim "not with --etc" by_itself tunctl up -n wg0 --etc /etc
claim "nor with --run" by_itself tunctl up -n wg0 --run /run
claim "nor with --var" by_itself tunctl up -n wg0 --var /var/lib
printf '[Interface]\n' >/etc/wireguard/wg1.conf
claim "nor for a file of wg-quick" by_itself tunctl up -n wg1
cp /etc/tunneld/wg0.conf /etc/tunneld/wg+1.conf
claim "nor where systemd would look for another name" by_itself tunctl up -n wg+1
rm /etc/tunneld/wg+1.conf
is load not-found
claim "nor without the unit" by_itself tunctl up -n wg0
is load masked
claim "nor if it shall not be used" by_itself tunctl up -n wg0
is load bad-setting
claim "but if it is broken" by_systemd tunctl up -n wg0
is load loaded
printf bash >/proc/$$/comm
claim "not where the first process is something else" by_itself tunctl up -n wg0
printf systemd >/proc/$$/comm
rmdir /run/systemd/system
claim "nor where systemd does not run" by_itself tunctl up -n wg0
mkdir /run/systemd/system

chown nobody /etc/tunneld/wg0.conf
claim "nor for a file that is not root's" by_itself tunctl up -n wg0
claim "which is said" one_line 'cannot read /etc/tunneld/wg0.conf, so it is started without'
claim "but not with -q" equal "$(tunctl up -q -n wg0 2>&1 >/dev/null)" ""
chmod 644 /etc/tunneld/wg0.conf
claim "but that everybody may read" by_systemd tunctl up -n wg0
chown root /etc/tunneld/wg0.conf
chmod 600 /etc/tunneld/wg0.conf
mv /etc/tunneld/wg0.conf /etc/real.conf
ln -s /etc/real.conf /etc/tunneld/wg0.conf
claim "and for a link" by_systemd tunctl up -n wg0
mkdir -p /run/user/0
cp /etc/real.conf /run/user/0/
ln -sf /run/user/0/real.conf /etc/tunneld/wg0.conf
claim "not to where the unit sees nothing" by_itself tunctl up -n wg0
rm /etc/tunneld/wg0.conf
mv /etc/real.conf /etc/tunneld/wg0.conf
sed -i "s|^PrivateKey = .*|PrivateKeyFile = wg0.key|" /etc/tunneld/wg0.conf
install -m 600 "$T/a.key" /etc/tunneld/wg0.key
claim "with its key in a file of its own" by_systemd tunctl up -n wg0
chown nobody /etc/tunneld/wg0.key
claim "not if that is somebody's own" by_itself tunctl up -n wg0
claim "which is said" one_line 'cannot read /etc/tunneld/wg0.key,'
rm /etc/tunneld/wg0.key
claim "exit 2: if it is missing" code 2 tunctl up -n wg0
sed -i "s|wg0.key|/run/credentials/tunneld-root@wg0.service/key|" /etc/tunneld/wg0.conf
claim "but as a credential it comes with the service" by_systemd tunctl up -n wg0
good
mkdir -m 700 /etc/tunneld/wg0.d
printf '[Peer]\nPublicKey = %s\n' "$(key b)" >/etc/tunneld/wg0.d/b.peer
chmod 600 /etc/tunneld/wg0.d/b.peer
claim "with its peers" by_systemd tunctl up -n wg0
chown nobody /etc/tunneld/wg0.d/b.peer
claim "not if one is somebody's own" by_itself tunctl up -n wg0
claim "which is said" one_line 'cannot read /etc/tunneld/wg0.d/b.peer,'
chown root /etc/tunneld/wg0.d/b.peer
chown nobody /etc/tunneld/wg0.d
claim "nor if they all are" by_itself tunctl up -n wg0
chown root /etc/tunneld/wg0.d

# ---- Up

U=tunneld@wg0.service
claim "up starts the unit" asks "start $U" 0 tunctl up wg0
claim "whose daemon it is" unit_runs
claim "which is all that it says" equal "$(cat "$T/out")" "wg0: up"
claim "again, nothing is asked" asks "" 0 tunctl up wg0
claim "down stops it" asks "stop $U" 0 tunctl down wg0
claim "all of it" not ip link show wg0
claim "again, nothing is asked" asks "" 0 tunctl down wg0
must tunctl up wg0
is load not-found
claim "down stops what runs, though its unit is gone" asks "stop $U" 0 tunctl down wg0
is load loaded
bad
claim "exit 2: a bad file is not even tried" asks "" 2 tunctl up wg0
claim "its place is said" grep -q 'wg0.conf:4:1: unknown key' "$T/said"
claim "exit 2 of -n" code 2 tunctl up -n wg0
good
touch "$T/unit/fails"
claim "exit 1: a unit that does not start is stopped" asks "start $U,stop $U" 1 tunctl up wg0
claim "one line says where to look" one_line "^tunctl: up: $U does not start (see: journalctl -u 'tunneld\*@wg0.\*')$"
is active activating
claim "one that is tried already goes on being tried" asks "start $U" 1 tunctl up wg0
claim "and is stopped by down" asks "stop $U" 0 tunctl down wg0
rm "$T/unit/fails"

# ---- Restart

claim "restart starts what does not run" asks "start $U" 0 tunctl restart wg0
claim "by the unit" unit_runs
claim "what runs is restarted" asks "restart $U" 0 tunctl restart wg0
claim "which is said" equal "$(cat "$T/out")" "wg0: restarted"
claim "-n says the plan" equal "$(tunctl restart -n wg0)" "would run: systemctl restart tunneld@wg0"
claim "as JSON" json '. == {v: 1, interface: "wg0", changed: true, running: true}' tunctl restart wg0
bad
claim "exit 2: not for a bad file" asks "" 2 tunctl restart wg0
claim "what runs goes on" unit_runs
good
chown nobody /etc/tunneld/wg0.conf
claim "exit 2: nor for one that the unit may not read" asks "" 2 tunctl restart wg0
claim "which is said in one line" one_line 'cannot read .*nothing is changed'
chown root /etc/tunneld/wg0.conf
claim "exit 4: nor from another network" asks "" 4 n a tunctl restart wg0
claim "which is said in one line" one_line 'use: systemctl restart tunneld@wg0'
claim "what runs goes on" unit_runs
claim "reload, what the unit says to that" code 0 tunctl reload wg0
claim "keeps it" unit_runs
touch "$T/unit/fails"
claim "exit 7: it does not come up again" asks "restart $U" 7 tunctl restart wg0
claim "one line says where to look" one_line 'does not restart (see: journalctl'
rm "$T/unit/fails"
claim "it is left to systemd to try again" equal "$(cat "$T/unit/active")" activating
is active inactive

# ---- Others' daemons

claim "what was started without systemd" code 0 tunctl --etc /etc up wg0
claim "is none of the unit's" not unit_runs
claim "-n: it would be ended" equal "$(tunctl down -n wg0)" "would end: wg0"
claim "and is ended as before" asks "" 0 tunctl down wg0
must tunctl --etc /etc up wg0
claim "-n: it would become one of the unit's" \
	equal "$(tunctl restart -n wg0)" $'would end: wg0\nwould run: systemctl start tunneld@wg0'
claim "which restart makes of it" asks "start $U" 0 tunctl restart wg0
claim "from then on" unit_runs
claim "and down, from another network, too, stops that" asks "stop $U" 0 n a tunctl down wg0
must tunctl --etc /etc up wg0
is active activating
claim "of two, down ends both" asks "stop $U" 0 tunctl down wg0
claim "so that nobody answers" not answers wg0

wait $LATE
claim "exit 9: what does not start while the machine does" equal "$(cat "$T/late.code")" 9
claim "one line says where to look" grep -qx "tunctl: up: tunneld@wg9.*in 20 s, but may yet (see: .*)" "$T/late"
claim "the lock was never held meanwhile" not grep -q locked "$T/asked"
