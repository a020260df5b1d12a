# Allowed IPs: readers against a writer (with TSan: make VARIANT=tsan race-route), and what a look-up costs.

race-route: $(O)/race/race_route
	$(Q)$< $(RACE_CHANGES) $(SEED)

bench-route: $(O)/bench/bench_route
	$(Q)$<

$(O)/race/race_route: $(O)/obj/tests/race/race_route.o $(O)/libtunnel.a
$(O)/bench/bench_route: $(O)/obj/tests/bench/bench_route.o $(O)/libtunnel.a
$(O)/race/race_route $(O)/bench/bench_route:
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel)

.PHONY: race-route bench-route
