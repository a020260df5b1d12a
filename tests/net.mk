# Network tests and demo: whatever runs the daemon itself.

NET_TOOLS := $(patsubst tests/net/%.c,$(O)/net/%,$(wildcard tests/net/*.c))

LIBS_initiate := $(LIBS_tunnel)
$(O)/net/initiate: $(O)/libtunnel.a

$(O)/net/%: $(O)/obj/tests/net/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_$*)

# NAME=x runs that one alone.
net: all $(NET_TOOLS)
	$(Q)BUILD=$(abspath $(O)) tests/net/run $(NAME)

# Two hosts on this machine with a tunnel between them, from nothing.
demo: all
	$(Q)$(O)/tunctl demo

.PHONY: net demo
