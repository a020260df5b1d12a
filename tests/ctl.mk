# tunctl: rules of its own.

# The store test stands between store.c and libc, to cut the power at every step.
$(O)/unit/test_tools_store: override LDFLAGS += $(addprefix -Wl$(comma)--wrap=,write fsync renameat unlinkat openat)

# The reader of NetworkManager, as its own library has it.
$(O)/obj/tests/net/nm_read.o: override CFLAGS += $(patsubst -I%,-isystem %,$(call pc,--cflags libnm))
$(O)/net/nm_read: override LDFLAGS += -Wl,--no-as-needed $(call pc,--libs libnm)
