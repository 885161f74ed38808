#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the tools compute and draw, without a kernel: tools/tests/unit_faults.c.
exec build/tools/tests/unit_faults "$@"
