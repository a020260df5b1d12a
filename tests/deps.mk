# The Debian packages that the goals of this run need are installed before anything else is looked at: make remakes an
# included makefile first and then starts over. build/packages.mk lists what has been seen, so it costs nothing later.
# PACKAGES=no leaves the machine alone.

GOALS := $(or $(MAKECMDGOALS),all)
PKGS := $(if $(filter-out clean help,$(GOALS)),$(PKGS_BUILD))
PKGS += $(if $(filter-out clean help all install uninstall deb deb-check build/% demo,$(GOALS)),$(PKGS_NET))
PKGS += $(if $(filter deb deb-check,$(GOALS)),$(PKGS_DEB))
PKGS += $(if $(filter deb-check,$(GOALS)),$(PKGS_DEB_CHECK))
PKGS += $(if $(filter bench bench-%,$(GOALS)),$(PKGS_BENCH))
PKGS += $(if $(filter-out clean help all install uninstall deb deb-check build/% demo bench bench-%,$(GOALS)), \
	$(PKGS_BENCH) $(PKGS_CHECK))
PKGS := $(sort $(PKGS))

-include build/packages.mk
ifeq ($(filter no,$(PACKAGES))$(findstring n,$(firstword -$(MAKEFLAGS))),)
ifneq ($(filter-out $(PACKAGES_PRESENT),$(PKGS)),)
include build/packages.mk
build/packages.mk: FORCE
	@sh packaging/packages.sh $@ $(sort $(PACKAGES_PRESENT) $(PKGS))
endif
endif

FORCE:
.PHONY: FORCE
