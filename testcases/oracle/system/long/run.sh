#!/usr/bin/env bash
# The system oracle's cases of IA-32e mode; see ../run.sh for arguments.
exec bash "$(dirname "$0")/../run.sh" --guest long "$@"
