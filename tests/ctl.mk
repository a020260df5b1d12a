# tunctl: rules of its own.

# The store test stands between store.c and libc, to cut the power at every step.
$(O)/unit/test_tools_store: override LDFLAGS += $(addprefix -Wl$(comma)--wrap=,write fsync renameat unlinkat openat)
