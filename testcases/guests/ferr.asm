; A boot sector: an x87 error with CR0.NE clear is IRQ 13, as on the PC/AT. The processor waits for it in front of the next instruction
; that looks; port F0h lets the handler use the FPU; FNCLEX ends it. With CR0.NE set it is exception 16. Writes 0 to port F4h when all is
; as it should be, else the number of the first check that failed.
        org 0x7c00
        bits 16

%macro check 1                          ; the zero flag must be set
        mov al, %1
        jne fail
%endmacro

start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        mov word [0x75 * 4], irq13
        mov word [0x75 * 4 + 2], 0
        mov word [0x10 * 4], error16
        mov word [0x10 * 4 + 2], 0
        in al, 0xa1
        and al, ~0x20
        out 0xa1, al
        in al, 0x21
        and al, ~4
        out 0x21, al

        mov eax, cr0
        and al, ~0x2c                   ; NE, EM, TS
        or al, 2                        ; MP
        mov cr0, eax
        fninit
        fldcw [divide_unmasked]
        sti
        fld1
        fldz
        fdiv st1, st0                   ; nothing is heard of it yet ...
        mov cx, 100
.quiet: loop .quiet
        cmp word [irqs], 0
        check 1
waits:  fld1                            ; ... but here
        cmp word [irqs], 1
        check 2
        fnstsw ax
        and ax, 0xb8ff
        cmp ax, 4 << 11                 ; four values: this FLD1, the handler's, 0 and 1
        check 3

        mov eax, cr0
        or al, 0x20                     ; NE
        mov cr0, eax
        fninit
        fldcw [divide_unmasked]
        fld1
        fldz
        fdiv st1, st0
        cmp word [errors], 0
        check 4
raises: fwait
        cmp word [errors], 1
        check 5
        cmp word [irqs], 1
        check 6
        xor al, al
fail:   out 0xf4, al
        cli
        hlt

irq13:  push bp
        mov bp, sp
        push ax
        inc word [irqs]
        cmp word [bp + 2], waits
        check 7
        fnstsw ax
        and ax, 0xb884
        cmp ax, 0x8084 | 6 << 11        ; busy, ZE
        check 8
        out 0xf0, al
        fld1                            ; IGNNE#: this does not wait
        fnclex
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ax
        pop bp
        iret

error16:
        push bp
        mov bp, sp
        inc word [errors]
        cmp word [bp + 2], raises
        check 9
        fnclex
        pop bp
        iret

divide_unmasked dw 0x37b
irqs    dw 0
errors  dw 0
        times 510 - ($ - $$) db 0
        dw 0xaa55
