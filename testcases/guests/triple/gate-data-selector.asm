;; expect: chain=NP-DATA@load_fs,GP-IDT-CSTYPE,GP-IDT-CSTYPE
;; expect: vectors=11,8
;; expect: error=0x28,0x11,0x11
;; expect: eip=load_fs cr2=-
;; hint: The gates name the data segment, 10h, where the code segment, 08h, belongs; the first fault is a load of a segment that is not present.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, OWN
load_fs: mov    fs, eax
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        DESCRIPTOR 0, 0xfffff, DATA_SEG, G4K | DEF32            ; per-CPU data, set up later
        GDT_END
idt:    GATES   32, T(handler), DATA
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
