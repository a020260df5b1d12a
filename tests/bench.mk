# The benchmarks. tests/bench/README.md says how to read them.
#
#   make bench           tunneld beside wireguard-go, its own relay without a cipher, and no tunnel; PEER, ROUNDS, SECS,
#                        ONLY (parts), WHO (contenders)

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

.PHONY: bench
