# The leaves: four threads on one window (with TSan: make VARIANT=tsan race-replay), and what each part costs.

# With the million prefixes, which have a program of their own.
bench-micro: $(O)/bench/micro bench-route
	$(Q)$<

race-replay: $(O)/race/race_replay
	$(Q)$<

$(O)/race/race_replay: $(O)/obj/tests/race/race_replay.o $(O)/libtunnel.a
$(O)/bench/micro: $(O)/obj/tests/bench/micro.o $(O)/libtunnel.a
$(O)/race/race_replay $(O)/bench/micro:
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel)

.PHONY: race-replay bench-micro
