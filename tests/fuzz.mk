# Fuzz targets: each tests/fuzz/fuzz_NAME.c has LLVMFuzzerTestOneInput() and a corpus in tests/fuzz/corpus/NAME.
#
#   make fuzz            every target for FUZZ_SECONDS each with clang's engine; FUZZ_NAME=x one of them. What it finds
#                        to be new stays in build/fuzz/corpus/NAME, what breaks in build/fuzz/NAME-*
#   make fuzz-keep       what of build/fuzz/corpus reaches code that the kept corpus does not, into the latter
#   make fuzz-replay     the kept corpora once through each target, without the engine, plain and with sanitizers

FUZZ_SECONDS ?= 30
FUZZ_NAME ?=
FUZZ_NAMES := $(or $(FUZZ_NAME),$(FUZZ:fuzz_%=%))
# What a target may call: libtunnel always, the objects of the daemon or of tunctl when it tests them.
# And the slow models that unit tests use.
FUZZ_HELP := $(patsubst %.c,$(O)/obj/%.o,$(filter-out tests/fuzz/fuzz_% tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
FUZZ_HELP += $(O)/obj/tests/unit/packets.o $(O)/obj/tests/unit/split.o
fuzz_daemon = $(if $(shell grep -l 'include "../../tunneld/' tests/fuzz/fuzz_$(1).c),$(DAEMON_LIB_OBJ))
fuzz_tools = $(if $(shell grep -l 'include "../../tools/' tests/fuzz/fuzz_$(1).c),$(TOOLS_LIB_OBJ))
fuzz_libs = $(if $(call fuzz_daemon,$(1)),$(LIBS_tunneld)) $(if $(call fuzz_tools,$(1)),$(LIBS_tunctl)) $(LIBS_tunnel)

$(foreach n,$(FUZZ:fuzz_%=%),$(eval $(O)/fuzz/$(n): $(call fuzz_daemon,$(n)) $(call fuzz_tools,$(n))))

# The driver is ours in every variant but fuzz, where it is the engine.
$(O)/fuzz/%: $(O)/obj/tests/fuzz/fuzz_%.o $(FUZZ_HELP) $(O)/libtunnel.a \
		$(if $(filter fuzz,$(VARIANT)),,$(O)/obj/tests/fuzz/replay.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(O)/libtunnel.a \
		$(call fuzz_libs,$*)

fuzz-run: $(FUZZ_NAMES:%=$(O)/fuzz/%)
	$(Q)for n in $(FUZZ_NAMES); do \
		mkdir -p build/fuzz/corpus/$$n; \
		$(O)/fuzz/$$n -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
			-artifact_prefix=build/fuzz/$$n- build/fuzz/corpus/$$n \
			tests/fuzz/corpus/$$n >build/fuzz/$$n.log 2>&1 || \
			{ tail -n 40 build/fuzz/$$n.log; echo "FAILED: $$n, see build/fuzz/$$n.log"; exit 1; }; \
		awk -v n=$$n '/number_of_executed_units/ { print n "\t" $$2 "\texecutions" }' build/fuzz/$$n.log; \
	done

# A target without a corpus fails: nothing would be replayed.
fuzz-replay-here: $(FUZZ_NAMES:%=$(O)/fuzz/%)
	$(Q)for n in $(FUZZ_NAMES); do $(O)/fuzz/$$n tests/fuzz/corpus/$$n || exit 1; done

fuzz-merge: $(FUZZ_NAMES:%=$(O)/fuzz/%)
	$(Q)for n in $(FUZZ_NAMES); do \
		mkdir -p tests/fuzz/corpus/$$n; \
		$(O)/fuzz/$$n -merge=1 tests/fuzz/corpus/$$n build/fuzz/corpus/$$n >build/fuzz/$$n.log 2>&1 || exit 1; \
	done

fuzz:
	+$(Q)$(MAKE) VARIANT=fuzz fuzz-run

fuzz-keep:
	+$(Q)$(MAKE) VARIANT=fuzz fuzz-merge

fuzz-replay:
	+$(Q)$(MAKE) VARIANT=opt fuzz-replay-here
	+$(Q)$(MAKE) VARIANT=asan fuzz-replay-here

.PHONY: fuzz fuzz-run fuzz-keep fuzz-merge fuzz-replay fuzz-replay-here
