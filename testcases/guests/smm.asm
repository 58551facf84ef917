; A flat real-mode image, started without firmware: sets up SMM as firmware would, and uses it a few thousand times while the timer interrupts.
; SMRAM is opened, filled and closed; a stub at 38000h moves SMBASE to A0000h (processors with long mode: the map of Intel 64); the SMIs come
; by port B2h. Writes 0 to port F4h when all is as it should be, else the number of the first check that failed.
        org 0x7c00
        bits 16

SMIS    equ 3000
PMBA    equ 0x600
GLBCTL  equ PMBA + 0x28

%macro check 1                          ; the zero flag must be set
        mov al, %1
        jne fail
%endmacro
%macro pci 3                            ; function, register, value: a byte
        mov eax, 0x80000000 | %1 << 8 | (%2 & 0xfc)
        mov dx, 0xcf8
        out dx, eax
        mov al, %3
        mov dx, 0xcfc + (%2 & 3)
        out dx, al
%endmacro
%define BRIDGE 0
%define PM     (1 << 3 | 3)

start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        mov word [8 * 4], timer
        mov word [8 * 4 + 2], 0

        ; SMRAM: hidden, then open
        pci BRIDGE, 0x72, 0x0a
        mov ax, 0xa000
        mov es, ax
        mov byte [es:0x8000], 0x5a      ; goes to the screen's memory, if anywhere
        pci BRIDGE, 0x72, 0x4a
        cmp byte [es:0x8000], 0x5a
        je .same
        jmp .other
.same:  mov al, 1
        jmp fail
.other: mov si, handler
        mov di, 0x8000
        mov cx, handler.end - handler
        rep movsb
        mov dword [es:0], 0
        pci BRIDGE, 0x72, 0x0a
        mov al, [es:0x8000]
        cmp al, [handler]
        setne al
        cmp al, 1
        check 2

        ; the stub at the initial SMBASE
        mov ax, 0x3800
        mov es, ax
        mov si, stub
        xor di, di
        mov cx, stub.end - stub
        rep movsb

        ; PIIX4
        pci PM, 0x40, PMBA & 0xff | 1
        pci PM, 0x41, PMBA >> 8
        pci PM, 0x80, 1
        mov al, 1
        out 0xb3, al
        out 0xb2, al                    ; no SMI: neither enable is set
        in al, 0xb3
        cmp al, 1
        check 3
        pci PM, 0x5b, 2                 ; APMC_EN
        mov dx, GLBCTL
        mov eax, 1                      ; SMI_EN
        out dx, eax
        mov al, 0
        out 0xb2, al
        in al, 0xb3
        cmp al, 0x77                    ; the stub was here
        check 4

        sti
        xor bp, bp
        mov ecx, 0x12345678
again:  mov ax, bp
        out 0xb2, al                    ; the handler answers with its count
        mov bx, ax
        in al, 0xb3
        inc bx
        cmp al, bl
        check 5
        cmp ecx, 0x12345678
        check 6
        inc bp
        cmp bp, SMIS
        jb again

        ; what the handler wrote is not to be seen, and after D_LCK never again
        cli
        cmp word [ticks], 0
        mov al, 7
        je fail
        mov ax, 0xa000
        mov es, ax
        cmp word [es:0], SMIS
        mov al, 8
        je fail
        pci BRIDGE, 0x72, 0x1a
        pci BRIDGE, 0x72, 0x4a
        cmp word [es:0], SMIS
        mov al, 9
        je fail
        mov ax, bp
        out 0xb2, al                    ; the handler sees it still
        in al, 0xb3
        mov bx, bp
        inc bx
        cmp al, bl
        check 10
        xor al, al
fail:   out 0xf4, al
        cli
        hlt

timer:  push ax
        inc word [ticks]
        mov al, 0x20
        out 0x20, al
        pop ax
        iret
ticks:  dw 0

; At 38000h.
stub:   mov eax, [cs:0xfefc]            ; revision identifier: Intel 64, I/O restart, SMBASE relocation
        cmp eax, 0x30100
        jne .no
        mov dword [cs:0xfef8], 0xa0000
        mov al, 0x77
        out 0xb3, al
.no:    rsm
.end:

; At A8000h, CS = A000h. Counts, fills some memory, answers with the count.
handler:
        mov ax, cs
        mov ds, ax
        mov es, ax
        inc word [0]
        mov di, 0x1000
        mov cx, 40
        mov al, [0]
        rep stosb
.spin:  add cl, 16
        jnc .spin
        mov al, [0]
        out 0xb3, al
        rsm
.end:
