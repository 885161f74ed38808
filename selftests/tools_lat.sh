#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What ioasidlat computes and draws, without a kernel: tools/tests/unit_lat.c.
exec build/tools/tests/unit_lat "$@"
