# Benchmarks; never part of `make check`.

EXTRA_DIST += bench/boot.asm
