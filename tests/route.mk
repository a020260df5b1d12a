# Allowed IPs: readers against a writer (with TSan: make VARIANT=tsan race-route).

race-route: $(O)/race/race_route
	$(Q)$< $(RACE_CHANGES) $(SEED)

$(O)/race/race_route: $(O)/obj/tests/race/race_route.o $(O)/libtunnel.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel)

.PHONY: race-route
