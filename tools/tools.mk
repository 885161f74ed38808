# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Builds the tools and the BPF objects that are embedded in them. Run from the
# top of the checkout, inside the lab's root:
#	make -f tools/tools.mk O=build/tools [V=1] [CC=] [CLANG=] [BPFTOOL=]
#
# One build serves all kernels. All output is in $(O).

O ?= build/tools
V ?= 0
Q ?= $(if $(filter 1,$(V)),,@)
CC ?= cc
CLANG ?= clang
BPFTOOL ?= bpftool
PKG_CONFIG ?= pkg-config

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wno-sign-compare -Wno-missing-field-initializers \
	    -Wmissing-prototypes -Wstrict-prototypes -Wvla
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -Itools/lib -Iinclude/uapi -I$(O) $(CFLAGS) \
	      $(shell $(PKG_CONFIG) --cflags libbpf yyjson ncurses)
LIBS := $(shell $(PKG_CONFIG) --libs libbpf yyjson ncurses libcap zlib) -lm
# BPF_PROG() has a parameter for those who want it.
BPF_CFLAGS := -O2 -g -mcpu=v3 -Wall -Wextra -Wno-unused-parameter -Werror
# The headers of libc are not made for the bpf target: find those of the host.
BPF_SYSTEM = $(shell $(CC) -print-multiarch 2>/dev/null)

lib_objects := $(patsubst tools/lib/%.c,$(O)/lib/%.o,$(wildcard tools/lib/*.c))
top_objects := $(patsubst tools/ioasidtop/%.c,$(O)/ioasidtop.d/%.o,$(wildcard tools/ioasidtop/*.c))
lat_objects := $(patsubst tools/ioasidlat/%.c,$(O)/ioasidlat.d/%.o,$(wildcard tools/ioasidlat/*.c))
snoop_objects := $(patsubst tools/ioasidsnoop/%.c,$(O)/ioasidsnoop.d/%.o,$(wildcard tools/ioasidsnoop/*.c))
ctl_objects := $(patsubst tools/ioasidctl/%.c,$(O)/ioasidctl.d/%.o,$(wildcard tools/ioasidctl/*.c))
policy_objects := $(patsubst tools/ioasidpolicy/%.c,$(O)/ioasidpolicy.d/%.o,$(wildcard tools/ioasidpolicy/*.c))
exporter_objects := $(patsubst tools/ioasid-exporter/%.c,$(O)/ioasid-exporter.d/%.o,$(wildcard tools/ioasid-exporter/*.c))
collect_objects := $(patsubst tools/ioasid-collect/%.c,$(O)/ioasid-collect.d/%.o,$(wildcard tools/ioasid-collect/*.c))
skeletons := $(patsubst bpf/%.bpf.c,$(O)/%.skel.h,$(wildcard bpf/*.bpf.c))
tests := $(patsubst tools/tests/%.c,$(O)/tests/%,$(wildcard tools/tests/*.c))

say = @$(if $(Q),printf '  %-7s %s\n' $(1) $(2),:)

.PHONY: all clean
.DELETE_ON_ERROR:
.SECONDARY:
all: $(O)/ioasidtop $(O)/ioasidlat $(O)/ioasidsnoop $(O)/ioasidctl $(O)/ioasidpolicy $(O)/ioasid-exporter $(O)/ioasid-collect $(tests)

include tools/libioasid/libioasid.mk
include tools/ioasidperf/ioasidperf.mk

$(O)/ioasidtop: $(top_objects) $(O)/libtools.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell $(PKG_CONFIG) --libs libdw)

$(O)/ioasidlat: $(lat_objects) $(O)/libtools.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/ioasidsnoop: $(snoop_objects) $(O)/libtools.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell $(PKG_CONFIG) --libs libdw)

$(O)/ioasidctl: $(ctl_objects) $(O)/libtools.a $(LIBIOASID_A)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/ioasidpolicy: $(policy_objects) $(O)/libtools.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/ioasid-exporter: $(exporter_objects) $(O)/libtools.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell $(PKG_CONFIG) --libs libmicrohttpd)

$(O)/ioasid-collect: $(collect_objects) $(O)/libtools.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/tests/%: tools/tests/%.c $(O)/libtools.a | $(O)/tests
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -Iselftests -Iinclude/uapi -pthread -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(O)/libtools.a $(LIBS)

$(O)/libtools.a: $(lib_objects)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/lib/%.o: tools/lib/%.c tools/tools.mk | $(O)/lib $(skeletons)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -Iinclude/uapi -MMD -MP -c -o $@ $<

$(O)/ioasidtop.d/%.o: tools/ioasidtop/%.c tools/tools.mk | $(O)/ioasidtop.d
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/ioasidlat.d/%.o: tools/ioasidlat/%.c tools/tools.mk | $(O)/ioasidlat.d
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/ioasidsnoop.d/%.o: tools/ioasidsnoop/%.c tools/tools.mk | $(O)/ioasidsnoop.d $(skeletons)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/ioasidctl.d/%.o: tools/ioasidctl/%.c tools/tools.mk | $(O)/ioasidctl.d
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -Itools/libioasid -Iinclude/uapi -MMD -MP -c -o $@ $<

$(O)/ioasidpolicy.d/%.o: tools/ioasidpolicy/%.c tools/tools.mk | $(O)/ioasidpolicy.d $(skeletons)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -Ibpf -Iinclude/uapi -MMD -MP -c -o $@ $<

$(O)/ioasid-exporter.d/%.o: tools/ioasid-exporter/%.c tools/tools.mk | $(O)/ioasid-exporter.d
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(shell $(PKG_CONFIG) --cflags libmicrohttpd) -MMD -MP -c -o $@ $<

$(O)/ioasid-collect.d/%.o: tools/ioasid-collect/%.c tools/tools.mk | $(O)/ioasid-collect.d
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

$(O)/%.bpf.o: bpf/%.bpf.c tools/tools.mk | $(O)
	$(call say,BPF,$<)
	$(Q)$(CLANG) --target=bpf $(BPF_CFLAGS) -idirafter /usr/include/$(BPF_SYSTEM) \
		-MMD -MP -MT $@ -MF $@.d -c -o $@ $<

# Programs of tests only
$(O)/%.bpf.o: selftests/bpf/%.bpf.c tools/tools.mk | $(O)
	$(call say,BPF,$<)
	$(Q)$(CLANG) --target=bpf $(BPF_CFLAGS) -Ibpf -idirafter /usr/include/$(BPF_SYSTEM) \
		-MMD -MP -MT $@ -MF $@.d -c -o $@ $<

policy_tests := $(O)/tests/policy $(O)/tests/policy_load $(O)/tests/policy_kfunc
$(policy_tests): ALL_CFLAGS += -Ibpf -fno-strict-aliasing -Wno-unused-parameter
$(policy_tests): $(O)/policy_test.skel.h $(O)/policy_bad.skel.h $(O)/policy_kfunc.skel.h $(O)/policy_fault.skel.h

$(O) $(O)/lib $(O)/ioasidtop.d $(O)/ioasidlat.d $(O)/ioasidsnoop.d $(O)/ioasidctl.d $(O)/ioasidpolicy.d $(O)/ioasid-exporter.d $(O)/ioasid-collect.d $(O)/tests:
	$(Q)mkdir -p $@

clean:
	$(Q)rm -rf $(O)

-include $(lib_objects:.o=.d) $(top_objects:.o=.d) $(ctl_objects:.o=.d) $(policy_objects:.o=.d) $(wildcard $(O)/*.bpf.o.d $(O)/tests/*.d)
-include $(snoop_objects:.o=.d) $(lat_objects:.o=.d)
-include $(exporter_objects:.o=.d) $(collect_objects:.o=.d)
