# Guests: freestanding programs for the simulated PC, made with the host's compiler and nasm.
#
#     NAME.c, NAME.S    -> NAME.g32.o, NAME.g64.o     NAME.asm -> the same, by nasm, or flat as NAME.bin
#     #include and %include are written from testcases/guests/
#
# A guest is a file in a list, its link, and its sources:
#
#     guest_tests += testcases/guests/hello.elf
#     testcases/guests/hello.elf: testcases/guests/hello.g32.o testcases/guests/guest.ld
#     	$(guest_link32)
#     EXTRA_DIST += testcases/guests/hello.asm
#
# guest_tests are run by testcases/run-guest.sh and pass when they write 0 to port 0xF4;
# guests are only built, for the tests that name them.
guest_tests =
guests =

guest_dir = $(top_srcdir)/testcases/guests
guest_cflags = -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -ffreestanding -nostdlib \
	-fno-pic -fno-pie -fno-stack-protector -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	-fcf-protection=none -mgeneral-regs-only -Wno-array-bounds \
	-I$(guest_dir) $(GUEST_CFLAGS)
# (-Wno-array-bounds: low addresses are memory here, not null pointers.)
guest_depend = -MD -MP -MF $(@:.o=.d) -MT $@
guest_cc = $(AM_V_CC)$(MKDIR_P) $(@D) && $(GUEST_CC) $(guest_cflags) $(guest_depend)
guest_nasm = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(NASM) -I$(guest_dir)/ -MD $@.d -MT $@
guest_ld = $(AM_V_CCLD)$(MKDIR_P) $(@D) && $(GUEST_LD) -static -z max-page-size=4096 -z noexecstack $(GUEST_LDFLAGS) \
	-o $@ $(addprefix -T,$(filter %.ld,$^)) $(filter %.o,$^)
guest_link32 = $(guest_ld) -m elf_i386
guest_link64 = $(guest_ld) -m elf_x86_64

%.g32.o: %.c
	$(guest_cc) -m32 -c -o $@ $<
%.g64.o: %.c
	$(guest_cc) -m64 -mno-red-zone -mcmodel=kernel -c -o $@ $<
%.g32.o: %.S
	$(guest_cc) -m32 -c -o $@ $<
%.g64.o: %.S
	$(guest_cc) -m64 -c -o $@ $<
%.g32.o: %.asm
	$(guest_nasm) -g -F dwarf -f elf32 -o $@ $<
%.g64.o: %.asm
	$(guest_nasm) -g -F dwarf -f elf64 -o $@ $<
%.bin: %.asm
	$(guest_nasm) -f bin -o $@ $<

.PRECIOUS: %.g32.o %.g64.o

-include $(wildcard testcases/guests/*.d testcases/guests/*/*.d)

guest_leavings = *.g32.o *.g64.o *.d *.elf *.bin
CLEANFILES += $(addprefix testcases/guests/,$(guest_leavings)) \
	$(addprefix testcases/guests/*/,$(guest_leavings))

guest_tests += testcases/guests/ferr.bin
EXTRA_DIST += testcases/guests/ferr.asm
guest_tests += testcases/guests/smm.bin
EXTRA_DIST += testcases/guests/smm.asm

check_DATA += $(guests) $(guest_tests)
TESTS += $(guest_tests)

# Any file as C data: embed.sh SYMBOL FILE writes `const unsigned char SYMBOL[]` and
# `const size_t SYMBOL_size`.
embed = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SHELL) $(guest_dir)/embed.sh
EXTRA_DIST += testcases/guests/embed.sh

# demo: the kernel that `sim` starts when it is given nothing else. For any 486 or later; with frame
# pointers for its own backtraces, and the same bytes wherever it is built.
demo_dir = testcases/guests/demo
demo_sources = $(demo_dir)/boot.S $(demo_dir)/bugs.c $(demo_dir)/console.c $(demo_dir)/cpu.c \
	$(demo_dir)/entry.S $(demo_dir)/input.c $(demo_dir)/main.c $(demo_dir)/memory.c \
	$(demo_dir)/shell.c $(demo_dir)/smp.c $(demo_dir)/string.c $(demo_dir)/syscall.c \
	$(demo_dir)/task.c $(demo_dir)/trap.c $(demo_dir)/user.c
demo_objects = $(addsuffix .g32.o,$(basename $(demo_sources)))
guests += $(demo_dir)/demo.elf
script_tests += $(demo_dir)/check-demo.sh
$(demo_objects): guest_cflags += -O1 -march=i486 -fno-omit-frame-pointer \
	-ffile-prefix-map=$(top_srcdir)/= -ffile-prefix-map=$(abs_top_builddir)=.
$(demo_dir)/demo.elf: $(demo_objects) $(demo_dir)/link.ld
	$(guest_link32)
EXTRA_DIST += $(demo_sources) $(demo_dir)/kernel.h $(demo_dir)/link.ld $(demo_dir)/x86.h

# long: a 64-bit system of a few lines; testcases/machine/test_long_guest runs it.
long_dir = testcases/guests/long
guests += $(long_dir)/long.elf
$(long_dir)/long.elf: $(long_dir)/long.g32.o $(long_dir)/long.ld
	$(guest_link32)
EXTRA_DIST += $(long_dir)/long.asm $(long_dir)/long.ld

# triple: fifty-five ways to triple-fault; what is to be found out stands in each guest (triple/INDEX).
triple_dir = testcases/guests/triple
triple_names = cr3-deref df-task-absent df-task-busy df-task-cr3 df-task-cs df-task-limit \
	gate-call-type gate-data-selector gate-foreign-selector gate-null-selector gate-task-type \
	gate-user-selector gdt-code-absent gdt-limit-count gdt-reclaimed gdt-wrong-base guard-page \
	handler-beyond-limit handler-unmapped idt-limit-count idt-overwritten idt-short idt-unmapped \
	idt-zeroed iret-error-code iret-nested-task irq-gate-absent irq-not-remapped lm-idt-8-bytes \
	lm-ist-canonical lm-no-pae lm-pml4-empty lm-stack-canonical no-idt pae-nx-disabled pae-pdpte-rw \
	pae-pte-garbage pg-no-identity pse-misaligned real-idt-empty real-sp-odd single-step \
	stack-no-granularity stack-unmapped tss-esp0-linear tss-esp0-zero tss-not-loaded tss-ss0-null \
	tss-ss0-readonly tss-ss0-user tss-stack-readonly tss-too-small user-breakpoint v86-conforming \
	v86-stack-absent
triple_guests = $(triple_names:%=$(triple_dir)/%.elf)
guests += $(triple_guests)
$(triple_guests): %.elf: %.g32.o $(triple_dir)/triple.ld
	$(guest_link32)
EXTRA_DIST += $(triple_names:%=$(triple_dir)/%.asm) $(triple_dir)/INDEX $(triple_dir)/peers.sh \
	$(triple_dir)/triple.inc $(triple_dir)/triple.ld
