#!/usr/bin/env bash
# The system oracle's cases of real mode; see ../run.sh for arguments.
exec bash "$(dirname "$0")/../run.sh" --guest real "$@"
