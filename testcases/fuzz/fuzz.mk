# testcases/fuzz/: random instructions in random machines. `make check` runs a few hundred cases, always the same.
fuzz_sources = testcases/fuzz/fuzz.h testcases/fuzz/fuzz_insns.c testcases/fuzz/scene.c testcases/fuzz/stream.c testcases/fuzz/walk.c
EXTRA_DIST += $(fuzz_sources)
if HAVE_CHECK
check_PROGRAMS += testcases/fuzz/fuzz_insns
TESTS += testcases/fuzz/fuzz_insns
testcases_fuzz_fuzz_insns_SOURCES = $(fuzz_sources)
endif

# As long as is wanted; what fails is printed with the number that makes it again.
FUZZ_SECONDS = 600
FUZZ_SEED = 1
check-fuzz: testcases/fuzz/fuzz_insns
	testcases/fuzz/fuzz_insns --seed $(FUZZ_SEED) --seconds $(FUZZ_SECONDS)
.PHONY: check-fuzz
