#!/bin/bash
# SPDX-License-Identifier: MIT
#
# DNS: by resolvectl where systemd-resolved runs, else by resolvconf, taken back at the end, in the right order among
# the commands; without either the tunnel comes up and a line says so.
#
#   ns a: wga alone; both programs are recorders of how they were called
. "$(dirname "$0")/lib.sh"

spaces a
# A PATH in which nothing is but what a command needs, and what each claim puts there.
mkdir "$T/bin"
for program in bash sh cat; do
	ln -s "$(command -v $program)" "$T/bin/"
done
recorder()
{
	cat >"$T/bin/$1" <<-END
		#!/bin/sh
		echo "$1 \$*" >>$T/calls
		[ "\$1" != -a ] || cat >>$T/calls
		exit ${2-0}
	END
	chmod +x "$T/bin/$1"
}
conf()
{
	cat >"$T/wga.conf" <<-END
		[Interface]
		PrivateKey = $("$TUNCTL" genkey)
		Address = 192.168.9.1/24
		PreUp = echo "PreUp %i" >>$T/calls
		PostUp = echo "PostUp %i" >>$T/calls
		PreDown = echo "PreDown %i" >>$T/calls
		PostDown = echo "PostDown %i" >>$T/calls
		$1
		${2-}
	END
	: >"$T/calls"
}
# up: starts; ends with 0 if it comes up.
up()
{
	spawn wga a env PATH="$T/bin" "$TUNNELD" -f -c "$T/wga.conf" wga >"$T/wga.log" 2>&1
	wait_for 10 grep -q 'ready\|failed\|DNS: a' "$T/wga.log"
	grep -q ready "$T/wga.log" || { cat "$T/wga.log"; return 1; }
}
calls() { paste -sd '|' "$T/calls"; }
called() { equal "$(calls)" "$1"; }

conf 'DNS = 10.8.0.53, fd08::53, example.org' 'DNS = lan'
claim "without a program the tunnel comes up" up
claim "and says so in one line" equal "$(grep -c 'DNS is not set' "$T/wga.log")" 1
stop wga
claim "the commands run in their order" called 'PreUp wga|PostUp wga|PreDown wga|PostDown wga'

recorder resolvconf
conf 'DNS = 10.8.0.53, fd08::53, example.org' 'DNS = lan'
claim "resolvconf: up" up
claim "servers and domains, all names to them, before PostUp" called "PreUp wga|resolvconf -a wga -m 0 -x|$(
	)nameserver 10.8.0.53|nameserver fd08::53|search example.org|search lan|PostUp wga"
: >"$T/calls"
stop wga
claim "taken back, before PostDown" called 'PreDown wga|resolvconf -d wga -f|PostDown wga'

conf 'DNS = 10.8.0.53'
must up
: >"$T/calls"
kill -KILL "${PID[wga]}"; wait "${PID[wga]}" 2>/dev/null; unset "PID[wga]"
claim "the daemon killed: it is taken back all the same" wait_for 5 called 'resolvconf -d wga -f|PostDown wga'

conf 'DNS = 10.8.0.53' 'PostUp = false'
claim "a PostUp command that fails undoes it" not up
wait "${PID[wga]}"; unset "PID[wga]"
claim "after all that came before it" called "PreUp wga|resolvconf -a wga -m 0 -x|nameserver 10.8.0.53|$(
	)PostUp wga|PreDown wga|resolvconf -d wga -f|PostDown wga"
conf 'PreUp = false' 'DNS = 10.8.0.53'
claim "a PreUp command that fails ends it" not up
wait "${PID[wga]}"; unset "PID[wga]"
claim "before DNS is touched" called 'PreUp wga|PostDown wga'
claim "nothing is left" not ip -n a link show wga

recorder resolvectl
conf 'DNS = 10.8.0.53'
must up
claim "resolvectl without a systemd-resolved that runs is not used" not grep -q resolvectl "$T/calls"
stop wga
mkdir -p /run/systemd/resolve
conf 'DNS = 10.8.0.53, fd08::53, example.org'
claim "resolvectl: up" up
claim "servers, domains, all names to them" called "PreUp wga|resolvectl dns wga 10.8.0.53 fd08::53|$(
	)resolvectl domain wga example.org ~.|PostUp wga"
stop wga

recorder resolvectl 3
conf 'DNS = 10.8.0.53'
claim "a program that fails ends the start" not up
wait "${PID[wga]}"; unset "PID[wga]"
claim "which is said" grep -q 'DNS: resolvectl failed with status 3' "$T/wga.log"
claim "nothing is left" not ip -n a link show wga

# The words of the file are arguments, never part of a command.
for word in "10.8.0.53'; touch $T/hit; '" '$(touch /run/test/hit)' '-a' '10.8.0.53 -x'; do
	refused() { conf "DNS = $word"; not up; }
	claim "refused: DNS = $word" refused
	wait "${PID[wga]}"; unset "PID[wga]"
done
claim "none of them was run" not test -e "$T/hit"
