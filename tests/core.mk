# The whole machine, threads against each other (with TSan: make VARIANT=tsan race-core).

race-core: $(O)/race/race_core
	$(Q)$< $(RACE_ROUNDS)

$(O)/race/race_core: $(O)/obj/tests/race/race_core.o $(O)/libtunnel.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel)

.PHONY: race-core
