# testcases/oracle/: one instruction at a time, on this host and in the simulator.
check_PROGRAMS += testcases/oracle/oracle
TESTS += testcases/oracle/oracle
testcases_oracle_oracle_SOURCES = testcases/oracle/generate.c testcases/oracle/native.c testcases/oracle/oracle.c \
	testcases/oracle/oracle.h testcases/oracle/selectors.c testcases/oracle/simulated.c

# `make check` samples; this takes some minutes.
ORACLE_TESTS = 20000
ORACLE_SEED = 2
check-oracle: testcases/oracle/oracle
	testcases/oracle/oracle $(ORACLE_TESTS) $(ORACLE_SEED)
.PHONY: check-oracle
