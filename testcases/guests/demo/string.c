/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

void *memset(void *to, int byte, size_t n)
{
    void *p = to;

    __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *p = to;

    __asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    char *p = (char *)to + n - 1;
    const char *q = (const char *)from + n - 1;

    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    __asm__ volatile("std; rep movsb; cld" : "+D"(p), "+S"(q), "+c"(n) : : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;

    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

size_t strlen(const char *s)
{
    const char *end = s;

    while (*end)
        end++;
    return end - s;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}

bool parse_number(const char *text, uint32_t *value)
{
    uint32_t base = 10, digit;

    if (text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        text += 2;
    }
    *value = 0;
    do {
        if (*text >= '0' && *text <= '9')
            digit = *text - '0';
        else if ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'f')
            digit = (*text | 0x20) - 'a' + 10;
        else
            return false;
        if (digit >= base)
            return false;
        *value = *value * base + digit;
    } while (*++text);
    return true;
}
