# The simulator. `make sim`: the worlds of seeds 1..SEEDS, half by each of two processes. `make sim SEED=n`: that one,
# with a line for everything that happens.

SEEDS ?= $(if $(filter opt,$(VARIANT)),10000,300)

sim: $(O)/sim
ifdef SEED
	$(Q)$(O)/sim -v $(SEED)
else
	$(Q)$(O)/sim 1 $$(($(SEEDS) / 2)) 2 & other=$$!; $(O)/sim 2 $$(($(SEEDS) / 2)) 2; status=$$?; \
		wait $$other && exit $$status
endif

$(O)/sim: $(SIM_OBJ) $(O)/libtunnel.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_tunnel)

.PHONY: sim
