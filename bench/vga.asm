; vga - a text console: a round writes all 2000 cells of the screen, one by one, then scrolls it by
; a line with REP MOVSD and clears the last line. An iteration counts as an instruction.
;; rounds: 4000
;; insns: 8 + 11011 * n
;; reps: 2 * n

%include "bench.inc"

%define SCREEN  0xb8000
%define COLUMNS 80
%define LINES   25

        BENCH   4000
        cld
.round: mov     edi, SCREEN
        mov     ecx, COLUMNS * LINES
        mov     eax, 0x0700 | '0'
        add     al, [rounds]
.cell:  mov     [edi], ax
        inc     al
        add     edi, 2
        dec     ecx
        jnz     .cell
        mov     esi, SCREEN + COLUMNS * 2
        mov     edi, SCREEN
        mov     ecx, COLUMNS * (LINES - 1) / 2
        rep movsd
        mov     eax, 0x07200720
        mov     ecx, COLUMNS / 2
        rep stosd
        dec     dword [rounds]
        jnz     .round
        FINISH
