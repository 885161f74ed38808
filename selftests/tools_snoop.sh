#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How ioasidsnoop reads its arguments and writes events: tools/tests/unit_snoop.c.
exec build/tools/tests/unit_snoop "$@"
