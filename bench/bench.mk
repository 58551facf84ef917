# Benchmarks; never part of `make check`. See README.md.
#
#     make bench BENCHFLAGS='--quick int walk'
bench_names = chase cmpsb compiled empty fault flush int movsb movsd overlap packed portio smc sse \
	stosd switch syscall vga walk x87 x87math
bench_names64 = compiled64 int64 walk64
bench_guests = $(bench_names:%=bench/%.elf)
bench_guests64 = $(bench_names64:%=bench/%.elf)

bench/%.g32.o: bench/%.asm
	$(guest_nasm) -I$(top_srcdir)/bench/ -g -F dwarf -f elf32 -o $@ $<
bench/%.g32.o: bench/%.s
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GUEST_CC) -m32 -c -o $@ $<
$(bench_guests): %.elf: %.g32.o bench/bench.ld
	$(guest_link32)
bench/compiled.elf: bench/work.g32.o

# 64-bit code in a 32-bit ELF: what every Multiboot loader takes. The guest goes to 64-bit mode itself.
bench/%.g64.o: bench/%.asm
	$(guest_nasm) -I$(top_srcdir)/bench/ -g -F dwarf -f elf64 -o $@ $<
bench/%.g64.o: bench/%.s
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(GUEST_CC) -m64 -c -o $@ $<
$(bench_guests64): %.elf: %.g64.o bench/bench.ld
	$(guest_link64) --oformat elf32-i386
bench/compiled64.elf: bench/work64.g64.o

-include $(wildcard bench/*.d)

bench: all $(bench_guests) $(bench_guests64)
	@SIM='$(abs_top_builddir)/sim$(EXEEXT)' GUESTS=bench NASM='$(NASM)' \
		bash $(srcdir)/bench/run.sh $(BENCHFLAGS)
.PHONY: bench

CLEANFILES += $(addprefix bench/,$(guest_leavings))
EXTRA_DIST += bench/README.md bench/bench.inc bench/bench.ld bench/boot.asm bench/run.sh \
	bench/work.c bench/work.s bench/work64.s $(bench_names:%=bench/%.asm) $(bench_names64:%=bench/%.asm)
