; A boot sector that fills x87, SSE and AVX registers in 32-bit protected mode and in 64-bit mode, for gdb to look at and to change. The
; script knows these addresses:
;
;     7c80 filled    7ca0 changed    7d60 filled64    7d80 changed64
    bits 16
    org 0x7c00

%macro place 1              ; the next instruction stands at %1
    times (%1) - 0x7c00 - ($ - $$) nop
%endmacro

real:
    cli
    xor ax, ax
    mov ds, ax
    lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 0x08:protected

    bits 32
protected:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x7c00
    mov eax, 1 << 9 | 1 << 10 | 1 << 18 ; OSFXSR, OSXMMEXCPT, OSXSAVE
    mov cr4, eax
    xor ecx, ecx
    xor edx, edx
    mov eax, 7              ; x87, SSE, AVX
    xsetbv
    fninit
    fld1
    fldpi
    fchs
    fldz
    fdivr st0, st1          ; -pi / 0: ZE
    movups xmm0, [floats]
    vbroadcastss ymm3, [floats + 4]

    place 0x7c80
filled:
    movups [0x600], xmm1
    fstp qword [0x610]
    vmovups [0x620], ymm4

    place 0x7ca0
changed:
    mov edi, 0x1000         ; long mode: the first GiB, mapped to itself
    mov dword [edi], 0x2007
    mov dword [edi + 0x1000], 0x3007
    mov dword [edi + 0x2000], 0x87
    mov cr3, edi
    mov eax, cr4
    or eax, 1 << 5          ; PAE
    mov cr4, eax
    mov ecx, 0xc0000080
    mov eax, 1 << 8         ; LME
    xor edx, edx
    wrmsr
    mov eax, 0x80000011
    mov cr0, eax
    jmp 0x18:entered64

    bits 64
entered64:
    mov ecx, 0xc0000100     ; FS base, then GS base, then the one behind SWAPGS
    mov eax, 0x11110000
    mov edx, 0x1111
    wrmsr
    inc ecx
    add eax, 0x11110000
    wrmsr
    inc ecx
    add eax, 0x11110000
    wrmsr
    movups xmm9, [floats]
    vaddps ymm12, ymm3, ymm3
    fld1

    place 0x7d60
filled64:
    movups [0x640], xmm15
    vmovups [0x660], ymm10

    place 0x7d80
changed64:
    mov al, 0
    out 0xf4, al            ; the end
.halt:
    hlt
    jmp .halt

    place 0x7dc0
floats:
    dd 1.0, 2.5, -3.0, 4.25
gdtr:
    dw gdt_end - gdt - 1
    dd gdt
    align 8
gdt:
    dq 0
    dq 0x00cf9a000000ffff   ; 08 code, 32 bits
    dq 0x00cf92000000ffff   ; 10 data
    dq 0x00209a0000000000   ; 18 code, 64 bits
gdt_end:
    times 510 - ($ - $$) db 0
    dw 0xaa55
