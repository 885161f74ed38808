#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs type1_dirty_hw with the modules that make its devices.

modprobe vfio
exec "$(dirname -- "${BASH_SOURCE[0]}")/with-module" ioasid_testdev,ioasid_testvfio \
	type1_dirty_hw "$@"
