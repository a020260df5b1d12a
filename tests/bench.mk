# The benchmarks. tests/bench/README.md says how to read them.
#
#   make bench           tunneld beside wireguard-go, its own relay without a cipher, and no tunnel; PEER, ROUNDS, SECS,
#                        ONLY (parts), WHO (contenders)
#   make bench-micro     what each part costs by the clock; NAME=seal those whose names begin so
#   make bench-icount    the same in instructions, which do not depend on what else the machine does

BENCH_TOOLS := $(addprefix $(O)/bench/,traffic peers handshakes)

# PEER=backports: the newer one that the machine's mirror has for this release.
ifeq ($(PEER),backports)
BENCH_PEER := $(O)/bench/backports/usr/bin/wireguard-go
endif

bench: all $(BENCH_TOOLS) $(BENCH_PEER)
	+$(Q)$(MAKE) VARIANT=relay build/relay/tunneld
	$(Q)BUILD=$(abspath $(O)) RELAY=$(abspath build/relay/tunneld) ROUNDS='$(ROUNDS)' SECS='$(SECS)' \
		ONLY='$(ONLY)' WHO='$(WHO)' PEER='$(or $(abspath $(BENCH_PEER)),$(PEER))' tests/bench/run

$(O)/bench/backports/usr/bin/wireguard-go:
	$(Q)tests/bench/backports $(O)/bench/backports

$(O)/bench/traffic: $(O)/obj/tests/bench/traffic.o
$(O)/bench/peers: $(O)/obj/tests/bench/peers.o $(O)/obj/tests/bench/uapi.o
$(O)/bench/handshakes: $(O)/obj/tests/bench/handshakes.o $(O)/obj/tests/bench/uapi.o $(O)/libtunnel.a
$(BENCH_TOOLS):
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel) -lm

# The packets are those of the unit tests.
BENCH_MICRO := $(patsubst tests/bench/%.c,$(O)/obj/tests/bench/%.o,$(wildcard tests/bench/micro*.c))
$(O)/bench/micro: $(BENCH_MICRO) $(O)/obj/tests/unit/packets.o $(O)/libtunneld.a $(O)/libtunnel.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel)

bench-micro: $(O)/bench/micro
	$(Q)$< $(NAME)

bench-icount: $(O)/bench/micro
	$(Q)tests/bench/icount $< $(NAME)

.PHONY: bench bench-micro bench-icount
