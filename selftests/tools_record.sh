#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Recordings and what is remembered for scrolling back: tools/tests/unit_record.c.
exec build/tools/tests/unit_record "$@"
