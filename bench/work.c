/*
 * work.c - what a compiler makes of ordinary C: a sieve, a recursive sort with a comparison
 * callback, a table-driven CRC, a hash table of strings and number formatting, all within 20 KiB.
 *
 * The benchmark does not compile this file. It assembles work.s (and work64.s, with -m64 -march=x86-64 -mno-red-zone), which is
 *
 *     gcc -m32 -march=i686 -mgeneral-regs-only -O2 -std=gnu11 -ffreestanding -fno-pic -fno-pie \
 *         -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
 *         -fno-tree-loop-distribute-patterns -fno-ident -S work.c
 *
 * by gcc 12.2, so that the same instructions run wherever figures are taken.
 */
#include <stddef.h>
#include <stdint.h>

enum {
    SIEVE = 4096,
    RECORDS = 256,
    SLOTS = 512,                        /* a power of two */
    TEXT = 4096,
};

struct record {
    uint32_t key;
    uint16_t group;
    char name[10];
};

static uint32_t seed;
static uint8_t composite[SIEVE];
static struct record records[RECORDS];
static struct record *order[RECORDS];
static struct record *slots[SLOTS];
static uint32_t crc_table[256];
static char text[TEXT];

static uint32_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static unsigned count_primes(void)
{
    unsigned i, k, count = 0;

    for (i = 2; i < SIEVE; i++)
        composite[i] = 0;
    for (i = 2; i < SIEVE; i++) {
        if (composite[i])
            continue;
        count++;
        for (k = i * i; k < SIEVE; k += i)
            composite[k] = 1;
    }
    return count;
}

static char *put_number(char *to, uint32_t value, unsigned base)
{
    char digits[32];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        *to++ = digits[--n];
    *to = 0;
    return to;
}

static void fill_records(void)
{
    unsigned i;

    for (i = 0; i < RECORDS; i++) {
        records[i].key = next();
        records[i].group = next() % 7;
        put_number(records[i].name, records[i].key & 0xfffff, 16);
        order[i] = &records[i];
    }
}

static int by_group_and_key(const struct record *a, const struct record *b)
{
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

static int by_name(const struct record *a, const struct record *b)
{
    const char *p = a->name, *q = b->name;

    while (*p && *p == *q)
        p++, q++;
    return (unsigned char)*p - (unsigned char)*q;
}

static void sort(struct record **v, int n, int (*compare)(const struct record *, const struct record *))
{
    struct record *pivot, *t;
    int i, k;

    if (n < 2)
        return;
    pivot = v[n / 2];
    for (i = 0, k = n - 1;; i++, k--) {
        while (compare(v[i], pivot) < 0)
            i++;
        while (compare(pivot, v[k]) < 0)
            k--;
        if (i >= k)
            break;
        t = v[i];
        v[i] = v[k];
        v[k] = t;
    }
    sort(v, i, compare);
    sort(v + i, n - i, compare);
}

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261u;

    while (*s)
        h = (h ^ (unsigned char)*s++) * 16777619u;
    return h;
}

static struct record **find(const char *name)
{
    unsigned i = hash(name) & (SLOTS - 1);
    struct record key, *r;
    unsigned n = 0;

    do
        key.name[n] = name[n];
    while (name[n++]);
    while ((r = slots[i]) && by_name(r, &key))
        i = (i + 1) & (SLOTS - 1);
    return &slots[i];
}

static unsigned intern_all(void)
{
    char name[12];
    unsigned i, found = 0;

    for (i = 0; i < SLOTS; i++)
        slots[i] = NULL;
    for (i = 0; i < RECORDS; i++)
        *find(records[i].name) = &records[i];
    for (i = 0; i < RECORDS; i++) {
        put_number(name, i % 2 ? records[i].key & 0xfffff : next() & 0xfffff, 16);
        found += *find(name) != NULL;
    }
    return found;
}

static size_t report(void)
{
    const char *s;
    char *p = text;
    unsigned i;

    for (i = 0; i < RECORDS / 2; i++) {
        for (s = order[i]->name; *s; s++)
            *p++ = *s;
        *p++ = '=';
        p = put_number(p, order[i]->key, 10);
        *p++ = '\n';
    }
    return (size_t)(p - text);
}

static uint32_t crc32(const char *p, size_t n)
{
    uint32_t crc = ~0u;

    while (n--)
        crc = crc_table[(crc ^ (unsigned char)*p++) & 0xff] ^ crc >> 8;
    return ~crc;
}

static void make_crc_table(void)
{
    uint32_t c;
    int i, bit;

    for (i = 0; i < 256; i++) {
        c = (uint32_t)i;
        for (bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        crc_table[i] = c;
    }
}

/* One round: the same every time. */
uint32_t work(void)
{
    uint32_t sum;

    seed = 2463534242u;
    sum = count_primes();
    make_crc_table();
    fill_records();
    sort(order, RECORDS, by_group_and_key);
    sum ^= crc32(text, report());
    sort(order, RECORDS, by_name);
    sum ^= crc32(text, report()) << 1;
    return sum + intern_all();
}
