; empty - nothing at all: what a simulator takes to start, load a guest and leave.
;; rounds: 1
;; insns: 7

%include "bench.inc"

        BENCH   1
        FINISH
