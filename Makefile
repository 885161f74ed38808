# SPDX-License-Identifier: GPL-2.0-only
#
# Everything is compiled in the lab's root file system (selftests/lab), so that
# this machine's compilers and libraries do not matter: outside of it, this file
# only starts itself inside.  The exception is "make KDIR=... modules", which
# builds for a kernel of this machine with this machine's compiler.
#
# "make help" lists the goals.

V ?= 0
Q := $(if $(filter 0,$(V)),@)
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
DESTDIR ?=
PREFIX ?= /usr/local

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

build_goals := all modules modules-debug tools selftests lint

ifneq ($(KDIR),)
kernels := host
KDIR_host := $(KDIR)
else ifeq ($(LAB),1)
kernels := $(shell cut -d' ' -f1 /etc/ioasid-kernels)
$(foreach k,$(kernels),$(eval KDIR_$(k) := \
	/lib/modules/$(shell sed -n 's/^$(k) //p' /etc/ioasid-kernels)/build))
KDIR_debug := /usr/src/ioasid-debug
endif

ifneq ($(KDIR)$(LAB),)

# ---- in the root, or for a kernel of this machine ---------------------------

.PHONY: all modules modules-debug tools selftests $(kernels:%=modules-%)

all: modules tools selftests
modules: $(kernels:%=modules-%)

# One kernel: kbuild writes its objects next to the sources, so it is given a
# tree of links to them, build/<series>.  It is asked only when something is
# newer than its last success.
module_sources := $(shell find kernel include -type f)
test_module_sources := $(shell find selftests/modules -type f)
modules_of := ioasid ioasid_pci ioasid_sim ioasid_vfio

define kernel_rules
modules-$(1): build/$(1)/.built
build/$(1)/.built: $(module_sources) Makefile
	$$(Q)mkdir -p build/$(1)
	$$(Q)find build/$(1) -xtype l -delete
	$$(Q)cp -rsf $$(CURDIR)/kernel/. build/$(1)
	@$$(if $$(Q),echo "  MODULES build/$(1)")
	$$(Q)$$(MAKE) -C $$(KDIR_$(1)) M=$$(CURDIR)/build/$(1) IOASID_TOP=$$(CURDIR) \
		$$(if $$(Q),-s) $$(KBUILD_OPTIONS) modules
	@for ko in build/$(1)/*.ko; do \
		if readelf -SW $$$$ko | grep -q ' \.BTF '; then btf="with BTF"; \
		else btf="WITHOUT BTF: the BPF tools need the kernel's vmlinux for it"; fi; \
		echo "  MOD     $$$$ko ($$$$btf)"; done
	$$(Q)touch $$@

build/$(1)/selftests/.built: $(test_module_sources) Makefile
	$$(Q)mkdir -p $$(@D)
	$$(Q)find $$(@D) -xtype l -delete
	$$(Q)cp -rsf $$(CURDIR)/selftests/modules/. $$(@D)
	@$$(if $$(Q),echo "  MODULES $$(@D)")
	$$(Q)$$(MAKE) -C $$(KDIR_$(1)) M=$$(CURDIR)/$$(@D) IOASID_TOP=$$(CURDIR) \
		$$(if $$(Q),-s) modules
	$$(Q)touch $$@
endef
$(foreach k,$(kernels) $(if $(LAB),debug),$(eval $(call kernel_rules,$(k))))

modules-debug: build/debug/selftests/.built

# CO-RE: one vmlinux.h, of the first kernel, serves all.
VMLINUX_BTF = $(KDIR_$(firstword $(kernels)))/vmlinux
BPFTOOL ?= bpftool
CLANG ?= clang
fragment = $(Q)$(if $(wildcard $(1)),$(MAKE) -f $(1) O=$(2) V=$(V) Q=$(Q) CC=$(CC) \
	CLANG=$(CLANG) BPFTOOL=$(BPFTOOL) VMLINUX_BTF=$(VMLINUX_BTF) $(or $(3),all),:)

tools:
	$(call fragment,tools/tools.mk,build/tools)

selftests: $(kernels:%=build/%/selftests/.built)
	$(call fragment,selftests/selftests.mk,build/selftests)

include $(if $(LAB),selftests/lint.mk)

else

# ---- outside: hand over to the root -----------------------------------------

.PHONY: $(build_goals) check check-debug mutants perf perf-check perf-baseline demo overhead clean distclean install help
.NOTPARALLEL:

$(build_goals):
	$(Q)selftests/lab/in-root make $(if $(Q),-s) -j$(JOBS) $(if $(findstring k,$(firstword -$(MAKEFLAGS))),-k) LAB=1 $(MAKEOVERRIDES) $@

modules-debug: debug-kernel
lint: lint-scripts

.PHONY: debug-kernel lint-scripts
debug-kernel lint-scripts:
	$(Q)selftests/lab/$@

.PHONY: format
format:
	$(Q)selftests/lab/in-root clang-format -i $(or $(FILES),$(error which files? make format FILES=...))

check: all
	$(Q)selftests/run-all $(CHECK)

check-debug: debug-kernel tools selftests modules-debug
	$(Q)selftests/run-all -k debug $(CHECK)

mutants: modules tools selftests
	$(Q)selftests/mutants $(CHECK)

perf: modules tools selftests
	$(Q)selftests/perf/perf $(PERF)

perf-check perf-baseline: modules tools selftests
	$(Q)selftests/perf/check $(if $(filter perf-baseline,$@),-b) $(PERF)

demo: all
	$(Q)selftests/lab/demo

overhead: modules tools
	$(Q)for k in $$(cut -d' ' -f1 selftests/lab/kernels | grep '^[0-9]'); do \
		selftests/lab/run -k $$k --icount -- selftests/overhead.sh -t; done

endif

install: all
	$(Q)install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/share/man/man3 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(Q)for tool in $$(find build/tools -maxdepth 1 -type f -perm /111); do \
		install $$tool $(DESTDIR)$(PREFIX)/sbin; done
	$(Q)for page in $(wildcard docs/man/*.8); do \
		install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man8; done
	$(Q)install -m 644 docs/man/libioasid.3 $(DESTDIR)$(PREFIX)/share/man/man3
	$(Q)install -m 644 $(wildcard tools/completion/ioasid*) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/ioasid-exporter
	$(Q)for unit in $(wildcard tools/*/*.service); do \
		sed 's|/usr/local/sbin|$(PREFIX)/sbin|' $$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/}; done
	$(Q)install -m 644 $(wildcard tools/ioasid-exporter/*.yml) tools/ioasid-exporter/dashboard.json \
		$(DESTDIR)$(PREFIX)/share/ioasid-exporter
	$(Q)$(MAKE) -s -f tools/libioasid/libioasid.mk O=build/tools Q=$(Q) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) \
		install-libioasid

clean:
	$(Q)rm -rf build

distclean: clean
	$(Q)selftests/lab/run --purge

help:
	@echo "make               modules for every kernel of the lab, tools, tests"
	@echo "make modules       build/<series>/*.ko for the lab's kernels"
	@echo "make tools         build/tools/, one build for all kernels"
	@echo "make selftests     build/selftests/"
	@echo "make check         the whole suite in virtual machines, on every kernel"
	@echo "make check-debug   the same on a kernel with KASAN, lockdep, kmemleak, ..."
	@echo "make mutants       breaks the modules on purpose and shows which tests notice"
	@echo "make perf          what mapping costs in instructions, beside others on the same kernel"
	@echo "make perf-check    has an operation grown since the baseline? which function?"
	@echo "make perf-baseline make the baseline again"
	@echo "make demo          an unmodified VFIO program under load, seen in ioasidtop"
	@echo "make overhead      what it costs to be watched, in instructions (docs/overhead.md)"
	@echo "make lint          checkpatch, sparse, W=1, clang-format, shellcheck"
	@echo "make format FILES=... formats user-space sources in place"
	@echo "make install       tools, libioasid, manual pages (PREFIX=$(PREFIX), DESTDIR=)"
	@echo "make clean         remove build/"
	@echo "make distclean     and the lab's cache outside the checkout"
	@echo
	@echo "make KDIR=/lib/modules/\$$(uname -r)/build modules"
	@echo "                   modules for a kernel of this machine: build/host/*.ko"
	@echo "V=1 shows commands; JOBS=N limits parallel ones (default: processors);"
	@echo "CHECK=... goes to selftests/run-all, for example CHECK='-k 6.12 map'"
