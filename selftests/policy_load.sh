#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs tools/tests/policy_load.c, which is built with libbpf.

exec "$(dirname -- "${BASH_SOURCE[0]}")/../build/tools/tests/policy_load" "$@"
