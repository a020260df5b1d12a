#!/bin/bash
# SPDX-License-Identifier: MIT
# apply --confirm and its guard: whatever dies in between, tunctl, its session, the guard or the machine, the end is the
# new configuration confirmed or the old one, whole. The daemon is a stand-in that notes which file it was made to read.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/etc/tunneld/wg0.d" /run/tunneld /run/wireguard
ETC=$T/etc/tunneld
CONF=$ETC/wg0.conf
ctl() { "$TUNCTL" --etc "$T/etc" -i wg0 "$@"; }
export T TUNCTL
export -f ctl

(umask 077
printf '[Interface]\nPrivateKey = %s\nAddress = 10.8.0.1/24\n' "$(wg genkey)" >"$T/old"
sed 's/10.8.0.1/10.8.0.9/' "$T/old" >"$T/new")

cat >"$T/uapi" <<-'END'
	#!/bin/bash
	while read -r line && [ -n "$line" ]; do :; done
	printf 'errno=0\n\n'
END
# Answers with what is in the file "answer" and notes what it has read.
cat >"$T/ctl" <<-END
	#!/bin/bash
	read -r line
	[[ \$line == *reload* ]] || exit 1
	what=mixed
	for f in old new; do ! cmp -s "$CONF" "$T/\$f" || what=\$f; done
	echo \$what >>"$T/read"
	cat "$T/answer"
END
chmod +x "$T/uapi" "$T/ctl"
socat UNIX-LISTEN:/run/wireguard/wg0.sock,fork EXEC:"$T/uapi" 2>/dev/null & PID[uapi]=$!
socat UNIX-LISTEN:/run/tunneld/wg0.sock,fork EXEC:"$T/ctl" 2>/dev/null & PID[ctl]=$!
wait_for 5 test -S /run/wireguard/wg0.sock
wait_for 5 test -S /run/tunneld/wg0.sock
good() { echo '{"v":1,"code":0}' >"$T/answer"; }

afresh()
{
	rm -f "$CONF".* "$T/read"
	cp "$T/old" "$CONF"
	good
}
is() { cmp "$CONF" "$T/$1"; }
on_trial() { test -e "$CONF.before"; }
guard() { pgrep -f "tunctl --etc $T/etc.*apply"; }
read_last() { equal "$(tail -n 1 "$T/read")" "$1"; }

# ---- Without a trial

afresh
claim "apply -n changes nothing" bash -c "ctl apply -n '$T/new' && cmp '$CONF' '$T/old'"
claim "apply" code 0 ctl apply "$T/new"
claim "it is the configuration, and read" eval 'is new && read_last new && cmp "$CONF.old" "$T/old" && not on_trial'
claim "applied again it is so already" json '.changed == false' ctl apply "$T/new"
afresh
claim "apply what comes by a pipe" bash -c "cat '$T/new' | ctl apply - && cmp '$CONF' '$T/new'"
claim "check, too" bash -c "cat '$T/new' | ctl check - | grep -q '^-: good'"
claim "exit 2: a pipe without a configuration" code 2 ctl apply - <<<"no"
afresh
printf '[Interface]\nPrivateKey = x\nBogus = 1\n' >"$T/bad"
claim "exit 2: a bad file" code 2 ctl apply "$T/bad"
claim "it is said where" bash -c "ctl apply '$T/bad' 2>&1 | grep -q 'bad:3:1: error'"
claim "nothing is changed" eval 'is old && not test -e "$T/read"'
echo '{"v":1,"code":2,"errors":["wg0.conf:1:1: no"]}' >"$T/answer"
claim "exit 2: the daemon finds it bad" code 2 ctl apply "$T/new"
claim "the old one is back, and read" eval 'is old && read_last old && not on_trial'
claim "exit 2 on trial, too" code 2 ctl apply "$T/new" --confirm 60s
claim "the old one is back, nobody waits" eval 'is old && not on_trial && wait_for 5 not guard'
good
claim "exit 2: no time" code 2 ctl apply "$T/new" --confirm soon
claim "--offline only writes" eval 'rm -f "$T/read"; ctl apply -q --offline "$T/new" && is new && not test -e "$T/read"'

# A file that is another one at every look: what is judged is what is written.
perl -e 'chdir $ARGV[0]; while (1) { for (qw(new bad)) { link $_, "turn"; rename "turn", "turning" } }' "$T" &
PID[turning]=$!
turning()
{
	local good=0

	for _ in {1..150}; do
		ctl apply -q "$T/turning" "$@" 2>/dev/null && good=$((good + 1))
		is old >/dev/null || is new || return 1
	done
	[ "$good" -gt 0 ]
}
afresh
must wait_for 5 test -e "$T/turning"
claim "a file that turns bad in between is not taken" turning --offline
claim "live, too" turning
stop turning
rm -f "$T/turn"

# ---- On trial

afresh
claim "apply --confirm" json '.changed and .confirm == 60' ctl apply "$T/new" --confirm 1m
claim "the new one is on trial" eval 'is new && read_last new && on_trial && guard'
sed -n 's/^PrivateKey = //p' "$T/new" >"$T/key"
claim "its guard does not know the keys" forgot "$(guard)" "$T/key"
claim "exit 4: one trial at a time" code 4 ctl apply "$T/old" --confirm 60s
claim "-n says how either end would be, and is none" eval 'ctl confirm -n | grep -qx "would keep: $CONF" &&
	ctl rollback -n | grep -qx "would bring back: $CONF" && ctl rollback -n --stale | grep -q "nothing to do" &&
	is new && on_trial'
claim "confirm" json .changed ctl confirm
claim "the new one stays, the guard goes" eval 'is new && not on_trial && wait_for 5 not guard && is new'
claim "confirmed twice is once" json '.changed == false' ctl confirm

afresh
claim "not confirmed" code 0 ctl apply -q "$T/new" --confirm 1s
claim "it is rolled back, and read" eval 'wait_for 10 is old && wait_for 5 read_last old && not on_trial'
claim "what was on trial is kept" cmp "$CONF.rejected" "$T/new"
claim "exit 1: confirmed too late" code 1 ctl confirm

afresh
must ctl apply -q "$T/new" --confirm 60s
claim "rollback ends it at once" json .changed ctl rollback
claim "and the next trial may follow at once" ctl apply -q "$T/new" --confirm 60s
must ctl rollback -q
claim "the old one is back, and read" eval 'is old && read_last old && wait_for 5 not guard'
claim "rolled back twice is once" json '.changed == false' ctl rollback

# ---- What dies in between

afresh
# The session's terminal hangs up while tunctl runs, and again when the guard is alone.
setsid bash -c "ctl apply -q '$T/new' --confirm 6s; kill -HUP 0" >/dev/null 2>&1
claim "the session dies: the trial goes on" eval 'is new && on_trial'
kill -HUP "$(guard)"
claim "and is rolled back in time" eval 'guard && wait_for 20 is old && wait_for 5 read_last old'

afresh
must ctl apply -q "$T/new" --confirm 60s
kill -TERM "$(guard)"
claim "the machine goes down: rolled back at once" eval 'wait_for 5 is old && not on_trial'

afresh
must ctl apply -q "$T/new" --confirm 60s
claim "--stale leaves alone what is guarded" eval 'ctl rollback -q --stale && is new && on_trial'
kill -KILL "$(guard)"
wait_for 5 not guard
claim "the guard is killed: rolled back by who comes next" eval 'ctl rollback -q --stale && is old && not on_trial'

# The machine loses power: nothing runs, the file before it is there. up brings it back before anything starts.
afresh
must ctl apply -q "$T/new" --confirm 60s
kill -KILL "$(guard)"
wait_for 5 not guard
stop uapi; rm -f /run/wireguard/wg0.sock
ln -sf /bin/false "$T/tunneld"; cp "$TUNCTL" "$T/tunctl"
"$T/tunctl" --etc "$T/etc" up wg0 2>/dev/null
claim "started anew, the old one is back" eval 'is old && not on_trial'
socat UNIX-LISTEN:/run/wireguard/wg0.sock,fork EXEC:"$T/uapi" 2>/dev/null & PID[uapi]=$!
wait_for 5 test -S /run/wireguard/wg0.sock

# tunctl killed before every change that it makes, with a trial and without.
kills=0
killed_everywhere()
{
	local n=0 status=77

	while [ "$status" -eq 77 ] && n=$((n + 1)) && [ $n -lt 60 ]; do
		afresh
		"$BUILD/net/cut" $n "$TUNCTL" --etc "$T/etc" -i wg0 -q apply "$T/new" "$@"
		status=$?
		# The guard may roll back between two looks.
		is old >/dev/null || is new >/dev/null || is old || { echo "step $n: neither old nor new"; return 1; }
		if [ "$status" -eq 77 ] && [ $# -gt 0 ] && ! { wait_for 10 is old && wait_for 10 not guard; }; then
			echo "step $n: killed before it was on trial, and not rolled back"
			return 1
		fi
		[ $# -gt 0 ] || ctl apply -q "$T/new" || { echo "step $n: fails when said again"; return 1; }
		[ $# -gt 0 ] || is new || { echo "step $n: said again, not done"; return 1; }
	done
	equal "$status" 0 || return
	kills=$((kills + n - 1))
}
claim "apply, killed at every step" killed_everywhere
claim "apply --confirm, killed at every step" killed_everywhere --confirm 60s
ctl rollback -q
echo "# $kills kills"
claim "the daemon never read a mixture" not grep -q mixed "$T/read"
claim "no guard stays behind" wait_for 10 not guard
