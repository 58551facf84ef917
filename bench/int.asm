; int - integer code by hand, in the proportions that compilers make: about a third of the
; instructions touch memory (4 KiB, all in the first-level cache), a fifth are branches, calls pass
; arguments on the stack. A round sorts, sums, searches, multiplies and follows links, on the same
; data every time, so all rounds are alike. The result is checked.
;; rounds: 5000
;; insns: 9 + 55700 * n

%include "bench.inc"

%define WORDS   256
%define SORTED  64
%define SIDE    8
%define RESULT  0x161e43

        BENCH   5000
.round: mov     dword [seed], 2463534242
        call    fill
        push    dword SORTED
        push    dword words
        call    sort
        add     esp, 8
        push    dword WORDS * 4
        push    dword words
        call    checksum
        add     esp, 8
        mov     esi, eax
        push    dword words
        call    search_all
        add     esp, 4
        add     esi, eax
        call    multiply
        xor     esi, eax
        call    link
        call    follow
        add     esi, eax
        dec     dword [rounds]
        jnz     .round
        cmp     esi, RESULT
        jne     failed
        FINISH

; uint32_t next(void): xorshift
next:   mov     eax, [seed]
        mov     edx, eax
        shl     edx, 13
        xor     eax, edx
        mov     edx, eax
        shr     edx, 17
        xor     eax, edx
        mov     edx, eax
        shl     edx, 5
        xor     eax, edx
        mov     [seed], eax
        ret

; void fill(void)
fill:   push    ebx
        xor     ebx, ebx
.word:  call    next
        mov     [words + ebx * 4], eax
        inc     ebx
        cmp     ebx, WORDS
        jb      .word
        pop     ebx
        ret

; void sort(uint32_t *a, size_t n): by insertion
sort:   push    ebp
        mov     ebp, esp
        push    ebx
        push    esi
        push    edi
        mov     edi, [ebp + 8]
        mov     ecx, 1
.next:  mov     eax, [edi + ecx * 4]
        mov     ebx, ecx
.shift: test    ebx, ebx
        jz      .place
        mov     esi, [edi + ebx * 4 - 4]
        cmp     esi, eax
        jbe     .place
        mov     [edi + ebx * 4], esi
        dec     ebx
        jmp     .shift
.place: mov     [edi + ebx * 4], eax
        inc     ecx
        cmp     ecx, [ebp + 12]
        jb      .next
        pop     edi
        pop     esi
        pop     ebx
        pop     ebp
        ret

; uint32_t checksum(const uint8_t *p, size_t n)
checksum:
        push    ebp
        mov     ebp, esp
        push    esi
        mov     esi, [ebp + 8]
        mov     ecx, [ebp + 12]
        xor     eax, eax
.byte:  movzx   edx, byte [esi]
        add     eax, edx
        rol     eax, 3
        test    dl, 1
        jz      .even
        xor     eax, 0x9e3779b9
.even:  inc     esi
        dec     ecx
        jnz     .byte
        pop     esi
        pop     ebp
        ret

; size_t find(const uint32_t *a, uint32_t key): binary search in a[SORTED]
find:   push    ebp
        mov     ebp, esp
        push    ebx
        mov     ebx, [ebp + 8]
        xor     eax, eax
        mov     ecx, SORTED
.half:  cmp     eax, ecx
        jae     .done
        lea     edx, [eax + ecx]
        shr     edx, 1
        push    eax
        mov     eax, [ebx + edx * 4]
        cmp     eax, [ebp + 12]
        pop     eax
        jae     .lower
        lea     eax, [edx + 1]
        jmp     .half
.lower: mov     ecx, edx
        jmp     .half
.done:  pop     ebx
        pop     ebp
        ret

; uint32_t search_all(const uint32_t *a): the places of all words
search_all:
        push    ebp
        mov     ebp, esp
        sub     esp, 8
        mov     dword [ebp - 4], 0              ; i
        mov     dword [ebp - 8], 0              ; sum
.word:  mov     edx, [ebp - 4]
        mov     ecx, [ebp + 8]
        push    dword [ecx + edx * 4]
        push    ecx
        call    find
        add     esp, 8
        add     [ebp - 8], eax
        inc     dword [ebp - 4]
        cmp     dword [ebp - 4], WORDS
        jl      .word
        mov     eax, [ebp - 8]
        leave
        ret

; uint32_t multiply(void): product of two SIDE x SIDE matrices, summed up
multiply:
        push    ebx
        push    esi
        push    edi
        push    ebp
        xor     ebp, ebp
        xor     esi, esi                        ; row
.row:   xor     edi, edi                        ; column
.cell:  xor     ebx, ebx
        xor     ecx, ecx
.term:  lea     eax, [esi * SIDE + ecx]
        mov     eax, [words + eax * 4]
        lea     edx, [ecx * SIDE + edi]
        imul    eax, [words + SIDE * SIDE * 4 + edx * 4]
        add     ebx, eax
        inc     ecx
        cmp     ecx, SIDE
        jne     .term
        add     ebp, ebx
        inc     edi
        cmp     edi, SIDE
        jne     .cell
        inc     esi
        cmp     esi, SIDE
        jne     .row
        mov     eax, ebp
        pop     ebp
        pop     edi
        pop     esi
        pop     ebx
        ret

; void link(void): a list through `nodes` (next, key, count), every 37th
link:   xor     ecx, ecx
        xor     eax, eax
.node:  lea     edx, [eax + 37]
        and     edx, WORDS - 1
        lea     ebx, [edx + edx * 2]
        lea     ebx, [nodes + ebx * 4]
        lea     edi, [eax + eax * 2]
        lea     edi, [nodes + edi * 4]
        mov     [edi], ebx
        mov     ebx, [words + eax * 4]
        mov     [edi + 4], ebx
        mov     [edi + 8], ecx
        mov     eax, edx
        inc     ecx
        cmp     ecx, WORDS
        jb      .node
        ret

; uint32_t follow(void)
follow: mov     ebx, nodes
        mov     ecx, WORDS
        xor     eax, eax
.node:  mov     edx, [ebx + 4]
        cmp     edx, eax
        jb      .less
        sub     edx, eax
        add     dword [ebx + 8], 1
.less:  xor     eax, edx
        add     eax, [ebx + 8]
        mov     ebx, [ebx]
        dec     ecx
        jnz     .node
        ret

section .bss
seed:   resd    1
words:  resd    WORDS
nodes:  resd    WORDS * 3
