; A boot sector that goes through the modes of a 386, for gdb to follow: real mode with CS.base 0 and not 0,
; 32-bit and 16-bit protected mode, real mode again. The scripts know these addresses:
;
;     7c00 real    7c40 based (CS:IP 07c0:0040)    7c80 protected    7cc0 called    7d00 narrow    7d40 again
    bits 16
    org 0x7c00

%macro place 1              ; the next instruction stands at %1
    times (%1) - 0x7c00 - ($ - $$) nop
%endmacro

real:
    cli
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7c00
    mov word [counter], 1
    jmp 0x07c0:based - 0x7c00

    place 0x7c40
based:
    inc word [counter]      ; by DS:, whose base is 0
    mov bp, 0x1234
    lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 0x08:protected

    place 0x7c80
    bits 32
protected:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x7c00
    mov ebp, 0x12345678
    call called
    jmp 0x18:narrow

    place 0x7cc0
called:
    push ebp
    mov ebp, esp
    inc dword [counter]
    mov eax, [counter]
    leave
    ret

    place 0x7d00
    bits 16
narrow:                     ; 16-bit protected mode, CS.base 0
    mov ax, 0x20
    mov ds, ax
    mov es, ax
    inc word [counter]
    mov eax, cr0
    and al, 0xfe
    mov cr0, eax
    jmp 0:again

    place 0x7d40
again:                      ; real mode; SS still has a descriptor's attributes
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7c00
    inc word [counter]
    mov al, 0
    out 0xf4, al            ; the end, if the machine has that port
.halt:
    hlt
    jmp .halt

    place 0x7dc0
gdtr:
    dw gdt_end - gdt - 1
    dd gdt
    align 8
gdt:
    dq 0
    dq 0x00cf9a000000ffff   ; 08 code, 32 bits
    dq 0x00cf92000000ffff   ; 10 data
    dq 0x00009a000000ffff   ; 18 code, 16 bits
    dq 0x000092000000ffff   ; 20 data, 64 KiB
gdt_end:
counter equ 0x600
    times 510 - ($ - $$) db 0
    dw 0xaa55
    times 1048576 - ($ - $$) db 0
