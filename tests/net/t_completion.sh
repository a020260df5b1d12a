#!/bin/bash
# SPDX-License-Identifier: MIT
# Completion in the shells themselves: bash, zsh behind a terminal of its own, fish. Each is asked what fits at the
# cursor, and what it says is compared with what tunctl knows.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/bin" "$T/etc/tunneld/wg0.d" "$T/etc/tunneld/wg1.d" "$T/home"
# Found by its name, as the shells do it.
cat >"$T/bin/tunctl" <<-END
	#!/bin/sh
	exec "$TUNCTL" --etc "$T/etc" --run "$T" "\$@"
END
chmod +x "$T/bin/tunctl"
PATH=$T/bin:$PATH
export HOME=$T/home T
printf '[Interface]\n[Peer]\n#: Name = main-bo\nPublicKey = %s\n' "$(key bo)" >"$T/etc/tunneld/wg0.conf"
printf '[Interface]\n' >"$T/etc/tunneld/wg1.conf"
touch "$T/etc/tunneld/wg0.d/"{anna,anton}.peer "$T/etc/tunneld/wg1.d/other.peer"
cd "$T/home" && touch a-file "a file" && mkdir a-dir || exit 1

in_bash()
{
	bash -c '. <(tunctl completion bash); COMP_WORDS=(tunctl "$@"); COMP_CWORD=$#; _tunctl
		printf "%s\n" "${COMPREPLY[@]}"' - "$@" | sort | xargs -d '\n'
}

# The functions that show candidates are ours here, which print them.
in_zsh()
{
	# shellcheck disable=SC2016 # zsh's own
	zsh -f -c 'compdef() { }
		_describe() { local f=${@[-1]}; print -rl -- ${${(P)f}%%:*} }
		_files() { print -r -- :files "$@" }
		source <(tunctl completion zsh)
		words=(tunctl "$@") CURRENT=$#words; _tunctl' - "$@" | sort | xargs
}

in_fish()
{
	# shellcheck disable=SC2016 # fish's own
	fish -N -c 'tunctl completion fish | source; complete -C "$argv"' "tunctl $*" | cut -f 1 | sort | xargs -d '\n'
}

for shell in bash zsh fish; do
	ask=in_$shell
	claim "$shell completes commands" equal "$($ask sta)" "status"
	claim "$shell completes verbs" equal "$($ask peer rem)" "remove"
	claim "$shell completes options of the command" equal "$($ask peer add anna --keepa)" "--keepalive"
	claim "$shell does not complete those of others" equal "$($ask up --keepa)" ""
	claim "$shell completes interfaces" equal "$($ask status '')" "wg0 wg1"
	claim "$shell completes peers of all interfaces" equal "$($ask peer show '')" "anna anton main-bo other"
	claim "$shell completes peers of the one that is named" equal "$($ask -i wg0 peer remove a)" "anna anton"
	claim "$shell completes interfaces as the value of an option" equal "$($ask peer list -i '')" "wg0 wg1"
	claim "$shell completes shells" equal "$($ask completion '')" "bash fish zsh"
done
claim "bash completes files" equal "$(in_bash peer add x --psk 'a-f')" "a-file"
claim "zsh leaves files to zsh" equal "$(in_zsh peer add x --psk 'a-f')" ":files"
claim "fish completes files" equal "$(in_fish peer add x --psk a-f)" "a-file"
claim "bash completes directories" equal "$(in_bash --etc a)" "a-dir"

# ---- By hand, that is: with the key itself

cat >"$T/bin/tunctl" <<-END
	#!/bin/sh
	case \$1 in -q | completion) exec "$TUNCTL" --etc "$T/etc" --run "$T" "\$@" ;; esac
	echo "\$*" >"$T/typed"
END
# with_key LINE PREPARE SHELL...: what is run when LINE, the key, and return are typed in a terminal of its own.
with_key()
{
	cat >"$T/type.zsh" <<-'END'
		zmodload zsh/zpty
		line=$1 prepare=$2; shift 2
		zpty shell "$@"
		zpty -w shell "$prepare; echo RE''ADY"
		zpty -r shell seen '*READY*'
		zpty -w -n shell "$line"$'\t\n'
		repeat 400 { zpty -r -t shell seen; [[ -s $T/typed ]] && break; sleep 0.05 }
	END
	rm -f "$T/typed"
	timeout 60 zsh -f "$T/type.zsh" "$@" >/dev/null 2>&1
	cat "$T/typed"
}
claim "bash: the key completes a peer in a terminal" equal "peer show main-bo" "$(with_key 'tunctl peer show mai' \
	'. <(tunctl completion bash)' bash --norc --noprofile -i)"
claim "zsh: the key completes a peer in a terminal" equal "peer show main-bo" "$(with_key 'tunctl peer show mai' \
	"autoload -U compinit; compinit -u -d $T/zcompdump; . <(tunctl completion zsh)" zsh -f -i)"

# ---- What it must not do

cat >"$T/bin/tunctl" <<-END
	#!/bin/sh
	# The other program of this name: without options, or with those that it knows, it makes an interface.
	case \$1 in -[bdfntug]*|[!-]*|'') echo made >"$T/made" ;; *) exit 1 ;; esac
END
"$TUNCTL" completion bash >"$T/script"
claim "a key press never runs another tunctl in earnest" bash -c ". '$T/script'
	COMP_WORDS=(tunctl sta); COMP_CWORD=1; _tunctl; ! test -e '$T/made'"
claim "the script for bash passes shellcheck" shellcheck -s bash "$T/script"
claim "another shell is an error" bash -c "'$TUNCTL' completion tcsh; test \$? = 2"
