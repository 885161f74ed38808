# SPDX-License-Identifier: GPL-2.0-only
# Builds every selftests/*.c to $(O)/NAME. Run from the top of the checkout,
# inside the lab's root:
#	make -f selftests/selftests.mk O=build/selftests [V=1] [Q=] [CC=]

O ?= build/selftests
V ?= 0
Q ?= $(if $(filter 1,$(V)),,@)

CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-sign-compare \
	      -Wno-missing-field-initializers -fno-strict-aliasing -Iinclude/uapi -Iselftests -pthread $(CFLAGS)

TESTS := $(patsubst selftests/%.c,$(O)/%,$(wildcard selftests/*.c))

.PHONY: all clean
all: $(TESTS)

$(O)/%: selftests/%.c selftests/selftests.mk | $(O)
	$(if $(filter @,$(Q)),@printf '  %-7s %s\n' CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(filter %.o,$^) $(LDFLAGS)

# The walker of user-managed tables is tested as it is, compiled for the host.
table_tests := $(filter $(O)/table $(O)/table_%,$(TESTS))
table_objects := $(patsubst kernel/%.c,$(O)/kernel/%.o,$(wildcard kernel/table/*.c))
$(table_tests): $(table_objects)
$(table_tests) $(table_objects): ALL_CFLAGS += -Iselftests/shim -Iinclude

# What takes faults, or submits by ring, does it with the library that is there for it.
library_tests := $(filter $(O)/sim_s6 $(O)/sim_fault_storm $(O)/sim_ring $(O)/sim_ring_% \
		   $(O)/sim_identity $(O)/sim_sva_space $(O)/model,$(TESTS))
libioasid_objects := $(patsubst tools/libioasid/%.c,$(O)/libioasid/%.o,$(wildcard tools/libioasid/*.c))
$(library_tests): $(libioasid_objects)
$(library_tests) $(O)/fault_ring $(libioasid_objects): ALL_CFLAGS += -Itools/libioasid

$(O)/libioasid/%.o: tools/libioasid/%.c selftests/selftests.mk | $(O)/libioasid
	$(if $(filter @,$(Q)),@printf '  %-7s %s\n' CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/kernel/%.o: kernel/%.c selftests/selftests.mk | $(O)/kernel/table
	$(if $(filter @,$(Q)),@printf '  %-7s %s\n' CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O) $(O)/kernel/table $(O)/libioasid:
	$(Q)mkdir -p $@

clean:
	$(Q)rm -rf $(O)

-include $(addsuffix .d,$(TESTS)) $(table_objects:.o=.d) $(libioasid_objects:.o=.d)
