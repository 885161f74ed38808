#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Views, groups of rows, processes and containers: tools/tests/unit_views.c.
exec build/tools/tests/unit_views "$@"
