; boot.asm - a disk image that boots one Multiboot ELF without a boot manager.
;
;   nasm -f bin -D ELF='"guest.elf"' -D CMDLINE='"guest.elf n=5"' -o guest.img boot.asm
;
; For simulators that only know disks (Bochs): the payload is the very file that the others load
; directly. The loader reads it by LBA with INT 13h, moves its PT_LOAD segments to their physical
; addresses and enters it as Multiboot 0.6.96, "Machine state", says: EAX magic, EBX information,
; flat 32-bit segments, A20 open, paging and interrupts off.
;
; Limits: one file of at most 448 KiB, segments above 1 MiB or between 0x500 and 0x7000.

%ifndef CMDLINE
%define CMDLINE ""
%endif

LOADER_SECTORS  equ 4                   ; this program, boot sector included
STAGING         equ 0x10000             ; where the file lands before it is taken apart
STAGING_END     equ 0x80000
CHUNK           equ 64                  ; sectors per INT 13h call: 32 KiB, never crosses 64 KiB

MB_MAGIC        equ 0x2BADB002
PT_LOAD         equ 1

        org     0x7c00
        bits    16

start:  jmp     0:.flat
.flat:  cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7c00
        sti
        mov     [drive], dl

        mov     si, packet              ; the rest of the loader, then the file
        call    read
        mov     word [packet.count], CHUNK
        mov     word [packet.offset], 0
        mov     word [packet.segment], STAGING >> 4
        mov     dword [packet.lba], LOADER_SECTORS
.next:  call    read
        add     word [packet.segment], CHUNK * 512 >> 4
        add     dword [packet.lba], CHUNK
        cmp     dword [packet.lba], LOADER_SECTORS + (elf_bytes + 511) / 512
        jb      .next
        jmp     enter

; Read one packet; there is nobody to report an error to but the screen.
read:   mov     ah, 0x42
        mov     dl, [drive]
        int     0x13
        jc      fail
        ret

fail:   mov     si, .text
.loop:  lodsb
        test    al, al
        jz      .stop
        mov     ah, 0x0e
        int     0x10
        jmp     .loop
.stop:  cli
        hlt
        jmp     .stop
.text:  db      "boot: cannot load the guest", 0

drive:  db      0
        align   4
packet: db      16, 0                   ; EDD disk address packet
.count:   dw    LOADER_SECTORS - 1
.offset:  dw    0x7e00
.segment: dw    0
.lba:     dq    1

        times   510 - ($ - $$) db 0
        dw      0xaa55

enter:  int     0x12
        movzx   eax, ax
        mov     [info.mem_lower], eax
        mov     ax, 0xe801              ; AX: KiB from 1 to 16 MiB, BX: 64 KiB blocks above
        int     0x15
        jc      .a20
        movzx   eax, ax
        movzx   ebx, bx
        shl     ebx, 6
        add     eax, ebx
        mov     [info.mem_upper], eax
.a20:   mov     ax, 0x2401
        int     0x15
        in      al, 0x92                ; a BIOS without that call has the fast gate
        or      al, 2
        and     al, 0xfe
        out     0x92, al

        cli
        lgdt    [gdtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword 8:flat32

        bits    32
flat32: mov     ax, 16
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     esp, 0x7c00
        cld

        cmp     dword [STAGING], 0x464c457f     ; 7F 'E' 'L' 'F'
        jne     .halt
        mov     ebx, [STAGING + 28]             ; e_phoff
        add     ebx, STAGING
        movzx   ebp, word [STAGING + 44]        ; e_phnum
.segment:
        cmp     dword [ebx], PT_LOAD
        jne     .skip
        mov     esi, [ebx + 4]                  ; p_offset
        add     esi, STAGING
        mov     edi, [ebx + 12]                 ; p_paddr
        mov     ecx, [ebx + 16]                 ; p_filesz
        mov     edx, [ebx + 20]                 ; p_memsz
        sub     edx, ecx
        rep movsb
        mov     ecx, edx
        xor     eax, eax
        rep stosb
.skip:  movzx   eax, word [STAGING + 42]        ; e_phentsize
        add     ebx, eax
        dec     ebp
        jnz     .segment

        mov     eax, MB_MAGIC
        mov     ebx, info
        jmp     [STAGING + 24]                  ; e_entry
.halt:  hlt
        jmp     .halt

        align   8
gdt:    dq      0
        dq      0x00cf9a000000ffff              ; 08: code, flat
        dq      0x00cf92000000ffff              ; 10: data, flat
gdtr:   dw      $ - gdt - 1
        dd      gdt

        align   4
info:   dd      1 << 0 | 1 << 2 | 1 << 9        ; memory sizes, command line, loader's name
.mem_lower: dd  0
.mem_upper: dd  0
        dd      0                               ; boot device
        dd      cmdline
        times   11 dd 0                         ; modules, symbols, memory map, drives, config
        dd      name
        times   12 dd 0
name:   db      "libsim bench loader", 0
cmdline: db     CMDLINE, 0

        times   LOADER_SECTORS * 512 - ($ - $$) db 0

elf:    incbin  ELF
elf_bytes equ $ - elf
%if elf_bytes > STAGING_END - STAGING
%error "the guest is larger than the loader can stage"
%endif

CYLINDER equ 16 * 63 * 512                      ; Bochs wants whole cylinders
        times   (CYLINDER - ($ - $$) % CYLINDER) % CYLINDER db 0
        times   CYLINDER db 0                   ; the last chunk may read past the file
