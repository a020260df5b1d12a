# The leaves: four threads on one window (with TSan: make VARIANT=tsan race-replay).

race-replay: $(O)/race/race_replay
	$(Q)$<

$(O)/race/race_replay: $(O)/obj/tests/race/race_replay.o $(O)/libtunnel.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel)

.PHONY: race-replay
