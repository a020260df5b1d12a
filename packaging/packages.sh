#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: packages.sh LIST PACKAGE...
#
# Installs those Debian packages that are missing and writes the names to LIST as a make variable, so that make asks
# only once. When nothing is missing neither root nor the network is needed. Lists of packages are fetched only if the
# ones at hand do not know a package or name a version that is no longer served.
set -eu
list=$1
shift

missing=
if command -v dpkg-query >/dev/null; then
	# Blanks around each word: "not-installed" is what one is that was purged, or is only known as a dependency.
	have=$(dpkg-query -W -f ' ${db:Status-Status} ${Package} \n' "$@" 2>/dev/null || true)
	for p; do
		case $have in
		*" installed $p "*) ;;
		*) missing="$missing $p" ;;
		esac
	done
else
	echo "packages: this is not a Debian system; what is needed must be there already: $*" >&2
fi

if [ -n "$missing" ]; then
	say="packages: missing:$missing"
	root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null ||
			{ echo "$say; there is no sudo, so as root: apt-get install$missing" >&2; exit 1; }
		root=sudo
	fi
	echo "$say; installing them" >&2
	install() {
		# shellcheck disable=SC2086 # a list of words
		$root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends $missing >"$log" 2>&1
	}
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	# shellcheck disable=SC2086
	if ! apt-cache show $missing >/dev/null 2>&1 || ! install; then
		$root apt-get update -qq >"$log" 2>&1 || true
		install || { tail -5 "$log" >&2
			echo "$say; apt-get could not install them: run as root: apt-get install$missing" >&2; exit 1; }
	fi
fi

mkdir -p "$(dirname "$list")"
echo "PACKAGES_PRESENT := $*" >"$list.new"
mv "$list.new" "$list"
