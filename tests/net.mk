# Network tests and demo: whatever runs the daemon itself.

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

.PHONY: net demo
