# Benchmarks; never part of `make check`. See README.md.
#
#     make bench BENCHFLAGS='--quick int walk'
bench_names = chase cmpsb compiled empty flush int movsb movsd overlap portio smc stosd switch \
	syscall vga walk
bench_guests = $(bench_names:%=bench/%.elf)

bench/%.g32.o: bench/%.asm
	$(guest_nasm) -I$(top_srcdir)/bench/ -g -F dwarf -f elf32 -o $@ $<
bench/%.g32.o: bench/%.s
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GUEST_CC) -m32 -c -o $@ $<
$(bench_guests): %.elf: %.g32.o bench/bench.ld
	$(guest_link32)
bench/compiled.elf: bench/work.g32.o

-include $(wildcard bench/*.d)

bench: all $(bench_guests)
	@SIM='$(abs_top_builddir)/sim$(EXEEXT)' GUESTS=bench NASM='$(NASM)' \
		bash $(srcdir)/bench/run.sh $(BENCHFLAGS)
.PHONY: bench

CLEANFILES += $(addprefix bench/,$(guest_leavings))
EXTRA_DIST += bench/README.md bench/bench.inc bench/bench.ld bench/boot.asm bench/run.sh \
	bench/work.c bench/work.s $(bench_names:%=bench/%.asm)
