# Network tests, demo and bench: whatever runs the daemon itself.

NET_TOOLS := $(patsubst tests/net/%.c,$(O)/net/%,$(wildcard tests/net/*.c))

$(O)/net/%: $(O)/obj/tests/net/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# NAME=x runs that one alone.
net: all $(NET_TOOLS)
	$(Q)BUILD=$(abspath $(O)) tests/net/run $(NAME)

# Two hosts on this machine with a tunnel between them, from nothing.
demo: all
	$(Q)BUILD=$(abspath $(O)) tests/net/demo

# Beside wireguard-go, or PEER=program: ratios first. ROUNDS and SECS make it longer.
bench: all
	$(Q)BUILD=$(abspath $(O)) tests/bench/tunnel $(ROUNDS) $(SECS)

.PHONY: net demo bench
