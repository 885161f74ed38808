# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# ioasidperf, part of tools.mk.

perf_objects := $(patsubst tools/ioasidperf/%.c,$(O)/ioasidperf.d/%.o,$(wildcard tools/ioasidperf/*.c))

all: $(O)/ioasidperf $(O)/perf/functions.so

$(O)/ioasidperf: $(perf_objects) $(LIBIOASID_A)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs yyjson) -lm

$(O)/ioasidperf.d/%.o: tools/ioasidperf/%.c tools/ioasidperf/ioasidperf.mk | $(O)/ioasidperf.d
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -Itools/libioasid -Iinclude/uapi -Iselftests/modules -MMD -MP -c -o $@ $<

# For QEMU, not for users: not executable, see "install" in the Makefile.
$(O)/perf/functions.so: selftests/perf/functions.c tools/ioasidperf/ioasidperf.mk | $(O)/perf
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -fPIC -shared -o $@ $<
	$(Q)chmod a-x $@

$(O)/ioasidperf.d $(O)/perf:
	$(Q)mkdir -p $@

-include $(perf_objects:.o=.d)
