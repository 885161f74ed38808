# SPDX-License-Identifier: GPL-2.0-only
#
# "make lint": checkpatch on all C, sparse and W=1 on the modules for every
# kernel, shellcheck on scripts.  Included by the Makefile, inside the root.
#
# .clang-format serves editors and "make format FILES=..."; nothing is checked
# against it: it breaks up tables and long messages, which checkpatch accepts.

.PHONY: lint lint-kernel lint-user lint-shell

lint: lint-kernel lint-user lint-shell $(kernels:%=lint-%)

# checkpatch judges patches for the kernel's own tree.  Not for us:
# FILE_PATH_CHANGES         wants an entry in MAINTAINERS
# LINUX_VERSION_CODE        out-of-tree modules serve several versions
# SPDX_LICENSE_TAG          knows neither our double licence nor comments in .S
# AVOID_EXTERNS             symbols that no header of the kernel declares
# MACRO_ARG_REUSE           wrong about every macro with a statement expression
# COMPLEX_MACRO             wrong about lists of initializers and declarations
# CONSTANT_COMPARISON       takes KERNEL_VERSION() for a constant on the wrong side
# BIT_MACRO                 1UL << n is as clear
# CAMELCASE                 needs the kernel's tree to know its own names
# Tracepoint headers have a layout of their own, in the kernel too: left out.
checkpatch_ignore := FILE_PATH_CHANGES,LINUX_VERSION_CODE,SPDX_LICENSE_TAG,AVOID_EXTERNS,MACRO_ARG_REUSE,COMPLEX_MACRO,CONSTANT_COMPARISON,BIT_MACRO,CAMELCASE
# User space besides has its own types, libraries and macros (<stdint.h>, libbpf).
user_ignore := $(checkpatch_ignore),PREFER_KERNEL_TYPES,CONST_STRUCT,VOLATILE,NEW_TYPEDEFS,STRCPY,STRNCPY,STRLCPY,SSCANF_TO_KSTRTO,ARRAY_SIZE,PREFER_FALLTHROUGH,MACRO_WITH_FLOW_CONTROL,LONG_LINE_STRING,SPLIT_STRING,INITIALISED_STATIC,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME,MACRO_ARG_UNUSED,MULTIPLE_ASSIGNMENTS,LEADING_SPACE,STATIC_CONST,EXPORT_SYMBOL

checkpatch = perl build/lint/scripts/checkpatch.pl --no-tree --no-summary --terse --strict --quiet \
	--show-types --max-line-length=100 -f --ignore

kernel_c := $(shell find kernel include -name '*.[ch]' ! -path 'include/trace/*')
user_c := $(shell find tools bpf selftests docs -name '*.[ch]' 2>/dev/null)
scripts := $(shell grep -rlE '^\#!.*\b(ba)?sh$$' .ci selftests tools 2>/dev/null)

lint-kernel:
	@echo "  CHECKPATCH kernel"
	$(Q)$(if $(kernel_c),$(checkpatch) $(checkpatch_ignore) $(kernel_c))

lint-user:
	@echo "  CHECKPATCH user space"
	$(Q)$(if $(user_c),$(checkpatch) $(user_ignore) $(user_c))

# SC1091: files of the guest.  SC2317: functions called through a variable or trap.
lint-shell:
	@echo "  SHELLCHECK"
	$(Q)shellcheck -x -f gcc -e SC1091,SC2317 $(scripts)

# W=1 for every kernel; sparse with the first, because Debian's headers of 7.x
# lack the script that kbuild starts it with.  Both print what they find in the
# kernel's headers too: only ours counts.
sparse_$(firstword $(kernels)) := C=2 CF=-Wbitwise
define lint_rules
.PHONY: lint-$(1)
lint-$(1):
	@echo "  W=1     $(1)$(if $(sparse_$(1)), and sparse)"
	$$(Q)rm -rf build/lint/$(1) && mkdir -p build/lint/$(1)
	$$(Q)cp -rs $$(CURDIR)/kernel/. build/lint/$(1)
	$$(Q)$$(MAKE) -s -C $$(KDIR_$(1)) M=$$(CURDIR)/build/lint/$(1) IOASID_TOP=$$(CURDIR) \
		W=1 $(sparse_$(1)) modules >build/lint/$(1).log 2>&1 || { cat build/lint/$(1).log; exit 1; }
	$$(Q)! grep -E '(build/lint/|include/(uapi/linux|linux|trace/events)/ioasid|^[^/ ]*\.[ch]).*(warning|error):' \
		build/lint/$(1).log
endef
$(foreach k,$(kernels),$(eval $(call lint_rules,$(k))))
