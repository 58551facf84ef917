# Manual pages, documents, and the examples that the tests compile and run.
EXTRA_DIST += doc/firmware.md
EXTRA_DIST += doc/memory.md
EXTRA_DIST += doc/adding-a-device.md
EXTRA_DIST += doc/adding-a-probe.md
EXTRA_DIST += doc/adding-an-instruction.md
EXTRA_DIST += doc/architecture.md
EXTRA_DIST += doc/sources.md
EXTRA_DIST += doc/time.md
EXTRA_DIST += doc/status.md
