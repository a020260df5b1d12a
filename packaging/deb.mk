# The Debian package, from the sources of this tree: build/tunneld_VERSION_ARCH.deb, checked by lintian.

DEB := build/deb
DEB_VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)
DEB_TREE := $(DEB)/tunneld-$(DEB_VERSION)

deb:
	$(Q)rm -rf $(DEB) && mkdir -p $(DEB_TREE)
	$(Q)packaging/sources | tar -cf - -T - | tar -xf - -C $(DEB_TREE)
	$(Q)mv $(DEB_TREE)/packaging/debian $(DEB_TREE)/debian
	$(call say,DEB,tunneld $(DEB_VERSION))
	$(Q)cd $(DEB_TREE) && env -u MAKEFLAGS -u MAKELEVEL \
		dpkg-buildpackage -us -uc -b -j$$(nproc) >../build.log 2>&1 || { tail -n 20 ../build.log; exit 1; }
	$(Q)cp $(DEB)/tunneld_*.deb build/
	$(Q)lintian --fail-on warning --tag-display-limit 0 $(DEB)/tunneld_*.changes
	@ls build/tunneld_*.deb

# What the package does on a Debian that has never seen it, systemd included. Needs root and the network.
deb-check: deb
	$(Q)packaging/try build/tunneld_$(DEB_VERSION)_*.deb

.PHONY: deb deb-check
