#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs sim_identity with the module that uses the IOMMU API for it.

exec "$(dirname -- "${BASH_SOURCE[0]}")/with-module" ioasid_testiommu sim_identity "$@"
