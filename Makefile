# One Makefile. `make` builds into build/, `make help` lists the rest. Variants (asan, tsan, fuzz, and relay, the
# benchmark's tunnel without a cipher) build side by side in build/VARIANT. Honours CC CFLAGS LDFLAGS PREFIX DESTDIR;
# V=1 shows commands.

VARIANT ?= opt
O := build$(if $(filter opt,$(VARIANT)),,/$(VARIANT))
PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
ifeq ($(VARIANT),fuzz)
CC := clang
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith -Wundef -Wformat=2
OPT_opt := -O2 -g
OPT_relay := $(OPT_opt)
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -g -fsanitize=thread
OPT_fuzz := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
HARDEN_opt := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD_opt := -pie -Wl,-z,relro,-z,now,-z,noexecstack
HARDEN_relay := $(HARDEN_opt) -DBENCH_RELAY
HARDEN_LD_relay := $(HARDEN_LD_opt)
CFLAGS ?= $(OPT_$(VARIANT))
override CFLAGS += -std=gnu11 -D_GNU_SOURCE $(WARN) $(if $(CI),-Werror) $(HARDEN_$(VARIANT)) -Ilibtunnel \
	-MMD -MP -pthread
override LDFLAGS += $(filter -fsanitize=%,$(subst $(comma)fuzzer-no-link,,$(OPT_$(VARIANT)))) $(HARDEN_LD_$(VARIANT)) \
	-pthread
comma := ,

# Packages of Debian 12. `make` installs what is missing, with sudo when not root.
PKGS_BUILD := gcc make pkg-config libc6-dev libsodium-dev libssl-dev libb2-dev libnl-3-dev libnl-route-3-dev \
	libmnl-dev libnftnl-dev libcap-ng-dev libseccomp-dev libjansson-dev liburing-dev libqrencode-dev libpng-dev
PKGS_NET := iproute2 iputils-ping iperf3
PKGS_DEB := debhelper lintian fakeroot dpkg-dev git adduser
PKGS_DEB_CHECK := debootstrap util-linux
PKGS_BENCH := wireguard-go wireguard-tools jq valgrind
PKGS_CHECK := check clang libclang-rt-14-dev tcpdump shellcheck socat binutils util-linux procps nftables mandoc \
	zsh fish perl python3-prometheus-client zbar-tools libnm-dev systemd ethtool
ifeq ($(shell uname -m),x86_64)
PKGS_BUILD += libipsec-mb-dev
endif

pc = $(shell pkg-config $(1) 2>/dev/null)
override CFLAGS += -isystem /usr/include/libnl3
LIBS_tunnel := -lsodium -lb2 -ldl
LIBS_tunneld := -lnl-route-3 -lnl-3 -lnftnl -lmnl -lcap-ng -lseccomp -ljansson -luring
LIBS_tunctl := -ljansson -lqrencode -lpng -lnl-route-3 -lnl-3 -lnftnl -lmnl
LIBS_test := -lcheck -lsubunit -lm -lrt -ljansson

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

LIB_OBJ := $(patsubst %.c,$(O)/obj/%.o,$(wildcard libtunnel/*.c))
TUNNELD_OBJ := $(patsubst %.c,$(O)/obj/%.o,$(wildcard tunneld/*.c))
TUNCTL_OBJ := $(patsubst %.c,$(O)/obj/%.o,$(wildcard tools/*.c))
# Every object but the one with main().
DAEMON_LIB_OBJ := $(filter-out %/main.o,$(TUNNELD_OBJ))
TOOLS_LIB_OBJ := $(filter-out %/tunctl.o,$(TUNCTL_OBJ))
UNIT := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_COMMON := $(patsubst %.c,$(O)/obj/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
SIM_OBJ := $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/sim/*.c))

all: $(O)/tunneld $(O)/tunctl

-include tests/*.mk packaging/*.mk

# Objects have a directory of their own: build/tunneld is the program.
$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

$(O)/libtunnel.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar crs $@ $^

# The daemon without main, for its unit tests, each of which takes what it needs.
$(O)/libtunneld.a: $(DAEMON_LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar crs $@ $^

$(O)/tunneld: $(TUNNELD_OBJ) $(O)/libtunnel.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunneld) $(LIBS_tunnel)

$(O)/tunctl: $(TUNCTL_OBJ) $(O)/libtunnel.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunctl) $(LIBS_tunnel)

# A unit test links what it tests: libtunnel always; test_tunneld_* the daemon's objects, test_tools_* those of tunctl.
$(O)/unit/test_tunneld_%: $(O)/obj/tests/unit/test_tunneld_%.o $(UNIT_COMMON) $(O)/libtunneld.a $(O)/libtunnel.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_test) $(LIBS_tunneld) $(LIBS_tunnel)

$(O)/unit/test_tools_%: $(O)/obj/tests/unit/test_tools_%.o $(UNIT_COMMON) $(TOOLS_LIB_OBJ) $(O)/libtunnel.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_test) $(LIBS_tunctl) $(LIBS_tunnel)

$(O)/unit/test_%: $(O)/obj/tests/unit/test_%.o $(UNIT_COMMON) $(O)/libtunnel.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_test) $(LIBS_tunnel)

# As many at a time as there are processors; what one says stays together.
unit: $(UNIT)
	$(Q)printf '%s\n' $(UNIT) | xargs -P "$$(nproc)" -I TEST sh -c 'out=$$(TEST 2>&1); code=$$?; \
		printf "%s\n" "$$out"; [ $$code -eq 0 ] || { \
		echo "FAILED: TEST (run it alone: make TEST && TEST)"; exit 1; }'

# What there is to install; pages, completion and unit go along when they exist.
COMPLETIONS := share/bash-completion/completions/tunctl share/zsh/vendor-completions/_tunctl \
	share/fish/vendor_completions.d/tunctl.fish
PAGES := $(wildcard tunneld/*.[58] tools/*.[15])
install: all
	$(if $(filter relay,$(VARIANT)),$(error VARIANT=relay encrypts nothing and is not for installing))
	$(Q)install -d $(addprefix $(DESTDIR)$(PREFIX)/,sbin bin $(dir $(COMPLETIONS)))
	$(Q)install -m 755 $(O)/tunneld $(DESTDIR)$(PREFIX)/sbin/
	$(Q)install -m 755 $(O)/tunctl $(DESTDIR)$(PREFIX)/bin/
	$(Q)for f in $(COMPLETIONS); do \
		s=$${f#share/}; $(O)/tunctl completion $${s%%[-/]*} >$(DESTDIR)$(PREFIX)/$$f || exit 1; done
	$(Q)for p in $(PAGES); do install -D -m 644 $$p $(DESTDIR)$(PREFIX)/share/man/man$${p##*.}/$${p##*/}; done
	$(Q)for u in $(wildcard packaging/systemd/*@.*); do \
		install -d $(DESTDIR)$(UNITDIR); \
		sed 's|/usr/sbin/tunneld|$(PREFIX)/sbin/tunneld|; s|/usr/bin/tunctl|$(PREFIX)/bin/tunctl|' $$u \
			>$(DESTDIR)$(UNITDIR)/$${u##*/}; done

uninstall:
	$(Q)rm -f $(addprefix $(DESTDIR)$(PREFIX)/,sbin/tunneld bin/tunctl $(COMPLETIONS))
	$(Q)for p in $(PAGES); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${p##*.}/$${p##*/}; done
	$(Q)for u in $(wildcard packaging/systemd/*@.*); do \
		rm -f $(DESTDIR)$(UNITDIR)/$${u##*/}; done

help:
	@echo 'make               build/tunneld and build/tunctl'
	@echo 'make demo          a tunnel between two namespaces of this machine, without root'
	@echo 'make check         every test; PARTS="unit net" some of them'
	@echo 'make unit|sim|fuzz-replay|race|net|lint'
	@echo '                   one part; make sim SEED=n, make net NAME=roam'
	@echo 'make fuzz          new inputs for every parser; FUZZ_SECONDS each, FUZZ_NAME one of them'
	@echo 'make bench         beside wireguard-go, or PEER=program|backports; ROUNDS, SECS, ONLY=tcp one part;'
	@echo '                   table, build/bench.json, build/bench.svg; see tests/bench/README.md'
	@echo 'make bench-micro   what each part costs: seal, open, gso, gro, window, route, handshake; NAME one'
	@echo 'make bench-icount  the same in instructions'
	@echo 'make deb           the Debian package, in build/'
	@echo 'make deb-check     its life on a new Debian: install, a phone that browses, upgrade, purge;'
	@echo '                   needs root, and the network'
	@echo 'make install       PREFIX=/usr/local DESTDIR=; make uninstall'
	@echo 'make clean'
	@echo 'VARIANT=asan|tsan|fuzz builds in build/VARIANT; CI=true makes warnings errors; V=1 shows commands;'
	@echo 'PACKAGES=no installs no packages.'

clean:
	rm -rf build

.PHONY: all unit install uninstall help clean
.SECONDARY:
-include $(shell find build -path build/deb -prune -o -name '*.d' -type f -print 2>/dev/null)
