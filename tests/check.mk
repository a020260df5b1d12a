# Everything at once, and the rules of the house.

check:
	+$(Q)MAKE='$(MAKE)' tests/check $(PARTS)

lint: $(O)/libtunnel.a
	$(Q)BUILD=$(O) tests/lint/run

# Threads against each other; meant for VARIANT=tsan.
race: $(patsubst tests/race/race_%.c,race-%,$(wildcard tests/race/race_*.c))

.PHONY: check lint race
