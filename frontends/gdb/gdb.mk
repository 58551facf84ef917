# frontends/gdb/: the remote protocol, part of the program sim (frontends/cli/cli.mk).
# One line per module, sorted.
