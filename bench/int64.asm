; int64 - the work of `int` in 64-bit mode: words, pointers and indices of 64 bits.
;; bits: 64
;; rounds: 5000
;; insns: 98499 + 63646 * n

%include "bench.inc"

%define WORDS   256
%define SORTED  64
%define SIDE    8
%define RESULT  0x02941c2d57a9c460

        BENCH   5000
        LONG_MODE
.round: mov     eax, 2463534242
        mov     [seed], rax
        call    fill
        push    qword SORTED
        push    qword words
        call    sort
        add     rsp, 16
        push    qword WORDS * 8
        push    qword words
        call    checksum
        add     rsp, 16
        mov     rsi, rax
        push    qword words
        call    search_all
        add     rsp, 8
        add     rsi, rax
        call    multiply
        xor     rsi, rax
        call    link
        call    follow
        add     rsi, rax
        dec     dword [rounds]
        jnz     .round
        mov     rax, RESULT
        cmp     rsi, rax
        jne     failed64
        FINISH64

; uint64_t next(void): xorshift
next:   mov     rax, [seed]
        mov     rdx, rax
        shl     rdx, 13
        xor     rax, rdx
        mov     rdx, rax
        shr     rdx, 7
        xor     rax, rdx
        mov     rdx, rax
        shl     rdx, 17
        xor     rax, rdx
        mov     [seed], rax
        ret

; void fill(void)
fill:   push    rbx
        xor     rbx, rbx
.word:  call    next
        mov     [words + rbx * 8], rax
        inc     rbx
        cmp     rbx, WORDS
        jb      .word
        pop     rbx
        ret

; void sort(uint64_t *a, size_t n): by insertion
sort:   push    rbp
        mov     rbp, rsp
        push    rbx
        push    rsi
        push    rdi
        mov     rdi, [rbp + 16]
        mov     rcx, 1
.next:  mov     rax, [rdi + rcx * 8]
        mov     rbx, rcx
.shift: test    rbx, rbx
        jz      .place
        mov     rsi, [rdi + rbx * 8 - 8]
        cmp     rsi, rax
        jbe     .place
        mov     [rdi + rbx * 8], rsi
        dec     rbx
        jmp     .shift
.place: mov     [rdi + rbx * 8], rax
        inc     rcx
        cmp     rcx, [rbp + 24]
        jb      .next
        pop     rdi
        pop     rsi
        pop     rbx
        pop     rbp
        ret

; uint64_t checksum(const uint8_t *p, size_t n)
checksum:
        push    rbp
        mov     rbp, rsp
        push    rsi
        mov     rsi, [rbp + 16]
        mov     rcx, [rbp + 24]
        xor     rax, rax
.byte:  movzx   rdx, byte [rsi]
        add     rax, rdx
        rol     rax, 3
        test    dl, 1
        jz      .even
        xor     eax, 0x9e3779b9
.even:  inc     rsi
        dec     rcx
        jnz     .byte
        pop     rsi
        pop     rbp
        ret

; size_t find(const uint64_t *a, uint64_t key): binary search in a[SORTED]
find:   push    rbp
        mov     rbp, rsp
        push    rbx
        mov     rbx, [rbp + 16]
        xor     rax, rax
        mov     rcx, SORTED
.half:  cmp     rax, rcx
        jae     .done
        lea     rdx, [rax + rcx]
        shr     rdx, 1
        push    rax
        mov     rax, [rbx + rdx * 8]
        cmp     rax, [rbp + 24]
        pop     rax
        jae     .lower
        lea     rax, [rdx + 1]
        jmp     .half
.lower: mov     rcx, rdx
        jmp     .half
.done:  pop     rbx
        pop     rbp
        ret

; uint64_t search_all(const uint64_t *a): the places of all words
search_all:
        push    rbp
        mov     rbp, rsp
        sub     rsp, 16
        mov     qword [rbp - 8], 0              ; i
        mov     qword [rbp - 16], 0              ; sum
.word:  mov     rdx, [rbp - 8]
        mov     rcx, [rbp + 16]
        push    qword [rcx + rdx * 8]
        push    rcx
        call    find
        add     rsp, 16
        add     [rbp - 16], rax
        inc     qword [rbp - 8]
        cmp     qword [rbp - 8], WORDS
        jl      .word
        mov     rax, [rbp - 16]
        leave
        ret

; uint64_t multiply(void): product of two SIDE x SIDE matrices, summed up
multiply:
        push    rbx
        push    rsi
        push    rdi
        push    rbp
        xor     rbp, rbp
        xor     rsi, rsi                        ; row
.row:   xor     rdi, rdi                        ; column
.cell:  xor     rbx, rbx
        xor     rcx, rcx
.term:  lea     rax, [rsi * SIDE + rcx]
        mov     rax, [words + rax * 8]
        lea     rdx, [rcx * SIDE + rdi]
        imul    rax, [words + SIDE * SIDE * 8 + rdx * 8]
        add     rbx, rax
        inc     rcx
        cmp     rcx, SIDE
        jne     .term
        add     rbp, rbx
        inc     rdi
        cmp     rdi, SIDE
        jne     .cell
        inc     rsi
        cmp     rsi, SIDE
        jne     .row
        mov     rax, rbp
        pop     rbp
        pop     rdi
        pop     rsi
        pop     rbx
        ret

; void link(void): a list through `nodes` (next, key, count), every 37th
link:   xor     rcx, rcx
        xor     rax, rax
.node:  lea     rdx, [rax + 37]
        and     rdx, WORDS - 1
        lea     rbx, [rdx + rdx * 2]
        lea     rbx, [nodes + rbx * 8]
        lea     rdi, [rax + rax * 2]
        lea     rdi, [nodes + rdi * 8]
        mov     [rdi], rbx
        mov     rbx, [words + rax * 8]
        mov     [rdi + 8], rbx
        mov     [rdi + 16], rcx
        mov     rax, rdx
        inc     rcx
        cmp     rcx, WORDS
        jb      .node
        ret

; uint64_t follow(void)
follow: mov     ebx, nodes
        mov     rcx, WORDS
        xor     rax, rax
.node:  mov     rdx, [rbx + 8]
        cmp     rdx, rax
        jb      .less
        sub     rdx, rax
        add     qword [rbx + 16], 1
.less:  xor     rax, rdx
        add     rax, [rbx + 16]
        mov     rbx, [rbx]
        dec     rcx
        jnz     .node
        ret

section .bss
seed:   resq    1
words:  resq    WORDS
nodes:  resq    WORDS * 3
