#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs type1_mdev with the module that makes its devices.

modprobe vfio
exec "$(dirname -- "${BASH_SOURCE[0]}")/with-module" ioasid_testdev type1_mdev "$@"
