# Manual pages, documents, and the examples that the tests compile and run.
EXTRA_DIST += doc/firmware.md
EXTRA_DIST += doc/memory.md
