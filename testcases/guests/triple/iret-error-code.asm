;; expect: chain=GP-IRET-CS@return,GP-IDT-TYPE,GP-IDT-TYPE
;; expect: vectors=13,8
;; expect: error=0x100,0x6b,0x43
;; expect: eip=return cr2=-
;; hint: The #NP handler returns without dropping the error code, so IRET takes it for EIP and the old EIP for CS; the #GP and #DF gates were never written.
;; note: The #NP of `load_fs` is delivered; the chain begins with the #GP of its handler's IRET.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, OWN
        jmp     load_fs

handler: pushad
        ; ... marks the segment present ...
        popad
return: iretd                           ; add esp, 4 is missing

        align   256
load_fs: mov    fs, eax                 ; at 100100h: IRET reads its low half as CS
        SURVIVED

section .data
        FLAT_GDT
        DESCRIPTOR 0, 0xfffff, DATA_SEG, G4K | DEF32
        GDT_END
idt:    NO_GATES 11
        GATE    T(handler)
        NO_GATES 20
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
