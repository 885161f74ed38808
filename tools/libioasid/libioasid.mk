# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# libioasid, part of tools.mk: static and shared, with what "make install" puts next to
# them. All output is in $(O)/libioasid.

LIBIOASID := $(O)/libioasid
LIBIOASID_A := $(LIBIOASID)/libioasid.a
LIBIOASID_VERSION := $(shell sed -n 's/^\#define IOASID_TOOLS_VERSION\t"\(.*\)"/\1/p' tools/lib/version.h)
# Changes when a program built for the old library would not work with the new one.
LIBIOASID_SONAME := libioasid.so.0
LIBIOASID_SO := $(LIBIOASID)/libioasid.so.$(LIBIOASID_VERSION)

libioasid_objects := $(patsubst tools/libioasid/%.c,$(LIBIOASID)/%.o,$(wildcard tools/libioasid/*.c))

all: $(LIBIOASID_A) $(LIBIOASID_SO)

# The headers of the driver come before those of the system, which may have others.
$(LIBIOASID)/%.o: tools/libioasid/%.c tools/libioasid/libioasid.mk | $(LIBIOASID)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -Itools/libioasid -Iinclude/uapi $(CFLAGS) \
		-fPIC -MMD -MP -c -o $@ $<

$(LIBIOASID_A): $(libioasid_objects)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Not executable: "make install" takes what is for a tool.
$(LIBIOASID_SO): $(libioasid_objects) tools/libioasid/libioasid.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(LIBIOASID_SONAME) -Wl,-z,defs \
		-Wl,--version-script,tools/libioasid/libioasid.map -o $@ $(libioasid_objects)
	$(Q)ln -sf $(@F) $(LIBIOASID)/$(LIBIOASID_SONAME)
	$(Q)ln -sf $(@F) $(LIBIOASID)/libioasid.so

# The examples of the documentation, each once with either library.
example_names := $(shell sed -n 's,^/\* \([a-z_]*\)\.c:.*,\1,p' docs/libioasid.md)
example_sources := $(example_names:%=$(LIBIOASID)/examples/%.c)
examples := $(example_names:%=$(LIBIOASID)/examples/%) $(example_names:%=$(LIBIOASID)/examples/%-shared)
# And those that are files of their own.
example_files := $(wildcard docs/examples/*.c)
examples += $(example_files:docs/examples/%.c=$(LIBIOASID)/examples/%) \
	    $(example_files:docs/examples/%.c=$(LIBIOASID)/examples/%-shared)
example_flags = -pthread $(WARNINGS) -Itools/libioasid -Iinclude/uapi $(CFLAGS)

all: $(examples)

$(example_sources) &: docs/libioasid.md tools/libioasid/examples.awk | $(LIBIOASID)/examples
	$(Q)awk -v dir=$(LIBIOASID)/examples -f tools/libioasid/examples.awk docs/libioasid.md

$(example_files:docs/examples/%=$(LIBIOASID)/examples/%): $(LIBIOASID)/examples/%.c: docs/examples/%.c | $(LIBIOASID)/examples
	$(Q)cp $< $@

$(LIBIOASID)/examples/%: $(LIBIOASID)/examples/%.c $(LIBIOASID_A) tools/libioasid/libioasid.h
	$(call say,CC,$@)
	$(Q)$(CC) $(example_flags) -o $@ $< $(LIBIOASID_A)

$(LIBIOASID)/examples/%-shared: $(LIBIOASID)/examples/%.c $(LIBIOASID_SO) tools/libioasid/libioasid.h
	$(call say,CC,$@)
	$(Q)$(CC) $(example_flags) -o $@ $< -L$(LIBIOASID) -lioasid -Wl,-rpath,'$$ORIGIN/..'

# DESTDIR and PREFIX as in the Makefile; everything is built.
install-libioasid:
	$(Q)install -d $(DESTDIR)$(PREFIX)/include/linux $(DESTDIR)$(PREFIX)/lib/pkgconfig
	$(Q)install -m 644 tools/libioasid/libioasid.h $(DESTDIR)$(PREFIX)/include
	$(Q)install -m 644 include/uapi/linux/ioasid.h include/uapi/linux/ioasid_fault.h \
		include/uapi/linux/ioasid_sim.h $(DESTDIR)$(PREFIX)/include/linux
	$(Q)install -m 644 $(LIBIOASID_A) $(LIBIOASID_SO) $(DESTDIR)$(PREFIX)/lib
	$(Q)ln -sf $(notdir $(LIBIOASID_SO)) $(DESTDIR)$(PREFIX)/lib/$(LIBIOASID_SONAME)
	$(Q)ln -sf $(LIBIOASID_SONAME) $(DESTDIR)$(PREFIX)/lib/libioasid.so
	$(Q)sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(LIBIOASID_VERSION),' \
		tools/libioasid/libioasid.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/libioasid.pc

.PHONY: install-libioasid

$(LIBIOASID) $(LIBIOASID)/examples:
	$(Q)mkdir -p $@

-include $(libioasid_objects:.o=.d)
