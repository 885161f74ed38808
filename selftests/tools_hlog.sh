#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What ioasidlat logs for the tools of HdrHistogram: tools/tests/unit_hlog.c.
exec build/tools/tests/unit_hlog "$@"
