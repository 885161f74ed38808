#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Sums over snapshots and their text for Prometheus: tools/tests/unit_openmetrics.c.
exec build/tools/tests/unit_openmetrics "$@"
