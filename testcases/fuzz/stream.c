#include "testcases/fuzz/fuzz.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/decode.h"
#include "cpu/isa/isa.h"
#include "testcases/unit/system_bench.h"

/* ---- Values ---- */

static const uint16_t ports[] = {
    0x00, 0x01, 0x03, 0x08, 0x0a, 0x0b, 0x0c, 0x0f, 0x20, 0x21, 0xa0, 0xa1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x81,
    0x87, 0x92, 0xb2, 0xb3, 0xc0, 0xd0, 0xd4, 0xd6, 0xde, 0xe9, 0xf0, 0xf1, 0x170, 0x171, 0x172, 0x176, 0x177, 0x1ce, 0x1cf, 0x1d0, 0x1f0, 0x1f1, 0x1f2,
    0x1f3, 0x1f4, 0x1f5, 0x1f6, 0x1f7, 0x278, 0x27a, 0x2f8, 0x2f9, 0x2fa, 0x2fb, 0x2fc, 0x376, 0x378, 0x37a, 0x3b4, 0x3b5, 0x3ba, 0x3c0, 0x3c1, 0x3c2,
    0x3c4, 0x3c5, 0x3c7, 0x3c8, 0x3c9, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3da, 0x3f0, 0x3f1, 0x3f2, 0x3f4, 0x3f5, 0x3f6, 0x3f7, 0x3f8, 0x3f9, 0x3fa, 0x3fb,
    0x3fc, 0x3fd, 0x402, 0x4d0, 0x4d1, 0x510, 0x511, 0x514, 0x518, 0xcf8, 0xcf9, 0xcfc, 0xcfd, 0xcfe, 0xb000, 0xb004, 0xb008, 0xb040, 0xc000, 0xc002,
    0xc004, 0x8900, 0xf4, 0xffff,
};

static const uint32_t msrs[] = {
    0x0, 0x10, 0x1b, 0x79, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x1a0, 0x1d9, 0x200, 0x201, 0x20f, 0x250, 0x258, 0x268, 0x277, 0x2ff, 0x6e0,
    0x802, 0x830, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015, 0x3a, 0x480,
    0xda0, 0x400,
};

uint64_t stream_value(struct rng *r)
{
    static const uint64_t odd[] = { 0, 1, 0x7f, 0x80, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffff, 0x800000000000, 0xffff800000000000,
                                    UINT64_MAX, INT64_MAX, 0xfffffffffffff000, 0xfffffff8, 0x100000 };
    static const uint32_t place[] = { AT_GDT, AT_LDT, AT_IDT, AT_TSS, AT_TSS32, AT_PD, AT_PT, AT_HANDLER, AT_STACK0, AT_STACK3, 0x70000, 0x72000, 0x74000 };
    static const uint32_t device[] = { SCENE_LAPIC, SCENE_IOAPIC, SCENE_SCREEN, SCENE_NOWHERE, 0xa0000, 0xb8000, 0xc0000, 0xf0000, 0xfee00000, 0xfec00000,
                                       0xe0000000, 0xfffffff0 };

    switch (rng_below(r, 12)) {
    case 0: return odd[rng_below(r, sizeof(odd) / sizeof(odd[0]))];
    case 1: return place[rng_below(r, sizeof(place) / sizeof(place[0]))] + rng_below(r, 0x180);
    case 2: return device[rng_below(r, sizeof(device) / sizeof(device[0]))] + (rng_below(r, 0x400) & ~15u);
    case 3: return ports[rng_below(r, sizeof(ports) / sizeof(ports[0]))];
    case 4: return rng_below(r, 0x2f) << 3 | (rng_chance(r, 60) ? 0 : rng_below(r, 8));
    case 5: return AT_CODE + rng_below(r, 0x1800);
    case 6: return rng_below(r, 64);
    case 7: return rng_any(r);
    case 8: return AT_DATA + 0x1000 * rng_below(r, 8) - rng_below(r, 20);
    default: return AT_DATA + rng_below(r, 0x800);
    }
}

/* ---- Bytes ---- */

static void put(struct stream *s, const void *bytes, unsigned len)
{
    if (s->len + len > s->room)
        return;
    memcpy(s->out + s->len, bytes, len);
    s->len += len;
}
#define PUT(s, bytes) put(s, bytes, sizeof(bytes) - 1)

static void put8(struct stream *s, unsigned v)
{
    uint8_t b = (uint8_t)v;

    put(s, &b, 1);
}

static void put_le(struct stream *s, uint64_t v, unsigned size)
{
    put(s, &v, size);
}

static bool is_long(const struct stream *s) { return s->mode & MODE_L; }
static bool is_16(const struct stream *s) { return !(s->mode & (MODE_D | MODE_L)); }

/* MOV register, value: 32 bits in all modes but 64-bit, where it may be wider. */
static void put_mov(struct stream *s, unsigned reg, uint64_t v)
{
    if (is_16(s))
        put8(s, 0x66);
    if (is_long(s) && v >> 32) {
        put8(s, 0x48);
        put8(s, 0xb8 + reg);
        put_le(s, v, 8);
        return;
    }
    put8(s, 0xb8 + reg);
    put_le(s, v, 4);
}

/* MOV [address], EAX; or MOV EAX, [address]. */
static void put_mmio(struct stream *s, uint32_t laddr, bool store)
{
    if (is_16(s))
        PUT(s, "\x66\x67");
    put8(s, store ? 0x89 : 0x8b);
    put8(s, is_long(s) ? 0x04 : 0x05);
    if (is_long(s))
        put8(s, 0x25);
    put_le(s, laddr, 4);
}

/* ---- What the system is made of ---- */

static void put_port(struct stream *s)
{
    struct rng *r = s->rng;
    unsigned size = rng_below(r, 4);

    if (rng_chance(r, 80))
        put_mov(s, CPU_DX, ports[rng_below(r, sizeof(ports) / sizeof(ports[0]))] + (rng_chance(r, 85) ? 0 : rng_below(r, 4)));
    if (rng_chance(r, 60))
        put_mov(s, CPU_AX, rng_any(r));
    if (size == 1 && rng_chance(r, 30))
        put8(s, 0x66);
    if (rng_chance(r, 15)) { /* string */
        put_mov(s, CPU_CX, rng_below(r, 40));
        if (rng_chance(r, 50)) {
            put_mov(s, CPU_DI, AT_DATA + rng_below(r, 0x1000));
            put_mov(s, CPU_SI, AT_DATA + rng_below(r, 0x1000));
        }
        if (rng_chance(r, 70))
            put8(s, 0xf3);
        put8(s, 0x6c + rng_below(r, 4));
        return;
    }
    if (rng_chance(r, 15)) {
        put8(s, 0xe4 + (rng_below(r, 2) ? 2 : 0) + (size != 0));
        put8(s, ports[rng_below(r, 28)]);
        return;
    }
    put8(s, 0xec + (rng_chance(r, 60) ? 2 : 0) + (size == 1));
}

static void put_pci(struct stream *s)
{
    struct rng *r = s->rng;

    put_mov(s, CPU_DX, 0xcf8);
    put_mov(s, CPU_AX, 0x80000000 | rng_below(r, 3) << 11 | rng_below(r, 4) << 8 | rng_below(r, 64) << 2);
    if (is_16(s))
        put8(s, 0x66);
    put8(s, 0xef);
    put_mov(s, CPU_DX, 0xcfc + rng_below(r, 4));
    put_mov(s, CPU_AX, rng_any(r));
    put8(s, 0xec + rng_below(r, 4));
}

static void put_msr(struct stream *s)
{
    struct rng *r = s->rng;

    put_mov(s, CPU_CX, rng_chance(r, 95) ? msrs[rng_below(r, sizeof(msrs) / sizeof(msrs[0]))] + (rng_chance(r, 90) ? 0 : rng_below(r, 8)) : rng_next(r));
    if (rng_chance(r, 50)) {
        PUT(s, "\x0f\x32");
        if (rng_chance(r, 50)) { /* one bit of it another */
            PUT(s, "\x0f\xba\xf8");
            put8(s, rng_below(r, 32));
            PUT(s, "\x0f\x30");
        }
        return;
    }
    put_mov(s, CPU_AX, stream_value(r));
    put_mov(s, CPU_DX, rng_chance(r, 60) ? 0 : rng_any(r));
    PUT(s, "\x0f\x30");
}

static void put_control(struct stream *s)
{
    static const uint8_t numbers[] = { 0, 0, 2, 3, 4, 4, 8, 1, 7 };
    struct rng *r = s->rng;
    unsigned n = numbers[rng_below(r, sizeof(numbers))];

    if (rng_chance(r, 15)) { /* a debug register */
        put_mov(s, CPU_AX, rng_chance(r, 50) ? AT_CODE + rng_below(r, 0x400) : rng_any(r));
        put8(s, 0x0f);
        put8(s, 0x21 + 2 * rng_below(r, 2));
        put8(s, 0xc0 | rng_below(r, 8) << 3);
        return;
    }
    if (n == 8 && is_long(s))
        put8(s, 0x44), n = 0;
    put8(s, 0x0f);
    put8(s, 0x20);
    put8(s, 0xc0 | (n & 7) << 3); /* MOV EAX, CRn; BTC EAX, bit; MOV CRn, EAX */
    if (rng_chance(r, 80)) {
        PUT(s, "\x0f\xba\xf8");
        put8(s, rng_chance(r, 10) ? 31 : rng_below(r, n == 4 ? 23 : 20));
    } else {
        put_mov(s, CPU_AX, n == 3 ? (rng_below(r, 9) << 12) + 0x70000u : rng_any(r));
    }
    put8(s, 0x0f);
    put8(s, 0x22);
    put8(s, 0xc0 | (n & 7) << 3);
}

static void put_lapic(struct stream *s)
{
    static const uint16_t registers[] = { 0x20, 0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x300, 0x310, 0x320, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3e0 };
    static const uint32_t commands[] = { 0x4500, 0x8500, 0x4610, 0x4611, 0x4400, 0x4200, 0x4030, 0x44031, 0x84032, 0xc4033, 0xc4500, 0xc4610, 0x4020, 0x4001 };
    struct rng *r = s->rng;
    uint32_t base = s->lapic_mapped ? SCENE_LAPIC : 0xfee00000;
    unsigned reg = registers[rng_below(r, sizeof(registers) / sizeof(registers[0]))];

    if (reg == 0x300 && rng_chance(r, 80)) {
        put_mov(s, CPU_AX, rng_chance(r, 80) ? rng_below(r, 4) << 24 : rng_any(r));
        put_mmio(s, base + 0x310, true);
        put_mov(s, CPU_AX, commands[rng_below(r, sizeof(commands) / sizeof(commands[0]))]);
    } else {
        put_mov(s, CPU_AX, reg == 0xf0 ? 0x100 | rng_below(r, 512) : rng_any(r));
    }
    put_mmio(s, base + reg + (rng_chance(r, 95) ? 0 : rng_below(r, 16)), rng_chance(r, 75));
}

static void put_ioapic(struct stream *s)
{
    struct rng *r = s->rng;
    uint32_t base = s->lapic_mapped ? SCENE_IOAPIC : 0xfec00000;

    put_mov(s, CPU_AX, rng_below(r, 0x44));
    put_mmio(s, base, true);
    put_mov(s, CPU_AX, rng_chance(r, 70) ? 0x20 + rng_below(r, 0x40) + (rng_below(r, 8) << 8) + (rng_below(r, 8) << 13) : rng_any(r));
    put_mmio(s, base + 0x10, rng_chance(r, 80));
}

/* A frame for IRET or RETF, or a far pointer in memory, then what uses it. */
static void put_far(struct stream *s)
{
    struct rng *r = s->rng;
    uint32_t selector = rng_below(r, 0x2f) << 3 | (rng_chance(r, 70) ? 0 : rng_below(r, 8)), target = AT_CODE + rng_below(r, 0x1400);
    bool retf = rng_chance(r, 40);

    if (rng_chance(r, 25)) { /* direct */
        if (is_16(s) && rng_chance(r, 30))
            put8(s, 0x66), put8(s, rng_below(r, 2) ? 0xea : 0x9a), put_le(s, target, 4);
        else
            put8(s, rng_below(r, 2) ? 0xea : 0x9a), put_le(s, target, is_16(s) ? 2 : 4);
        put_le(s, selector, 2);
        return;
    }
    if (!retf && rng_chance(r, 60)) { /* SS and ESP */
        put8(s, 0x68), put_le(s, rng_below(r, 0x2f) << 3 | (rng_chance(r, 50) ? 3 : 0), is_16(s) ? 2 : 4);
        put8(s, 0x68), put_le(s, AT_STACK3 - rng_below(r, 64), is_16(s) ? 2 : 4);
    }
    if (!retf)
        put8(s, 0x68), put_le(s, rng_chance(r, 60) ? 2 + (rng_next(r) & 0x200) : rng_any(r) & 0x3fffff, is_16(s) ? 2 : 4);
    put8(s, 0x68), put_le(s, selector, is_16(s) ? 2 : 4);
    put8(s, 0x68), put_le(s, target, is_16(s) ? 2 : 4);
    if (is_long(s) && rng_chance(r, 80))
        put8(s, 0x48);
    put8(s, retf ? 0xca + rng_below(r, 2) : 0xcf);
}

/* MOV DS, AX; LDS; LGDT; and so on, with something like a selector in AX and addresses in [DATA]. */
static void put_system(struct stream *s)
{
    static const char *const code[] = {
        "\x8e\xd8", "\x8e\xd0", "\x8e\xc0", "\x8e\xe0", "\x8e\xe8", "\x0f\x00\xd8", "\x0f\x00\xd0", "\x0f\x00\xe0", "\x0f\x00\xe8", "\x0f\x02\xc8", "\x0f\x03\xc8",
        "\x63\xd8", "\xcd\x40", "\xcd\x80", "\xcd\x0e", "\xcc", "\xce", "\xf1", "\x9d", "\x9c", "\xfa", "\xfb", "\xfb\xf4", "\xf4", "\x17", "\x07", "\x1f",
        "\x0f\xa1", "\x0f\xa9", "\x0f\x31", "\x0f\x0b", "\x0f\x05", "\x0f\x07", "\x0f\x34", "\x0f\x35", "\x0f\xa2", "\x0f\x01\xf8", "\x0f\x01\xf9", "\x0f\x01\xca",
        "\x0f\x01\xcb", "\x0f\x01\xc8", "\x0f\x01\xc9", "\x0f\x01\xd0", "\x0f\x01\xd1", "\x0f\x01\xee", "\x0f\x01\xef", "\x0f\x06", "\x0f\x08", "\x0f\x09",
        "\x0f\xaa", "\x0f\x01\xe0", "\x0f\x01\xf0", "\xf3\x90", "\x9b", "\xdb\xe3", "\xd9\xe8", "\xd9\xee\xd8\xf9", "\x0f\x77", "\x0f\xc7\xf0", "\x0f\xc7\xf8",
        "\xf3\x0f\xae\xd0", "\xf3\x0f\xae\xc0", "\xf3\x0f\xc7\xf8", "\x87\xdb",
    };
    struct rng *r = s->rng;

    switch (rng_below(r, 4)) {
    case 0: /* descriptor tables by a pointer in memory */
        put_mov(s, CPU_BX, AT_DATA + rng_below(r, 0x100));
        if (rng_chance(r, 70)) {
            put_mov(s, CPU_AX, rng_below(r, 0x200) | (uint32_t)(rng_chance(r, 50) ? AT_GDT : AT_IDT) << 16);
            if (is_16(s))
                put8(s, 0x67);
            PUT(s, "\x89\x03");
        }
        if (is_16(s))
            put8(s, 0x67);
        put8(s, 0x0f), put8(s, 0x01), put8(s, 0x03 | rng_below(r, 8) << 3);
        break;
    case 1: put_mov(s, CPU_AX, stream_value(r)); /* fall through */
    default: {
        const char *c = code[rng_below(r, sizeof(code) / sizeof(code[0]))];

        if (rng_chance(r, 10))
            put8(s, 0x66);
        put(s, c, (unsigned)strlen(c));
    }
    }
}

/* ---- Instructions of the table ---- */

static void put_prefixes(struct stream *s, const struct isa_row *row)
{
    static const uint8_t legacy[] = { 0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0xf2, 0xf3 };
    struct rng *r = s->rng;

    while (rng_chance(r, 12))
        put8(s, legacy[rng_below(r, sizeof(legacy))]);
    if (row->attributes & ISA_LOCK && rng_chance(r, 30))
        put8(s, 0xf0);
    if (row->attributes & ISA_STRING && rng_chance(r, 60))
        put8(s, 0xf2 + rng_below(r, 2));
}

static void put_vex(struct stream *s, const struct isa_row *row)
{
    struct rng *r = s->rng;
    unsigned pp = row->prefix & PF_66 ? 1 : row->prefix & PF_F3 ? 2 : row->prefix & PF_F2 ? 3 : 0, vvvv = rng_chance(r, 80) ? rng_below(r, 16) : 15;
    bool w = (row->prefix & VWIG) == VWIG ? rng_chance(r, 30) : row->prefix & VW1, l = (row->prefix & VLIG) == VLIG ? rng_chance(r, 50) : row->prefix & VL1;
    bool uses_vvvv = false;

    for (unsigned n = 0; n < 4; n++)
        uses_vvvv |= row->op[n] == Hx || row->op[n] == By;
    if (!uses_vvvv && rng_chance(r, 95))
        vvvv = 15;
    put8(s, 0xc4);
    put8(s, (is_long(s) ? rng_below(r, 8) << 5 : 0xe0) | row->map);
    put8(s, (w ? 0x80u : 0) | vvvv << 3 | (l ? 4u : 0) | pp);
}

static void put_opcode(struct stream *s, const struct isa_row *row)
{
    struct rng *r = s->rng;

    if (row->prefix & PF_VEX) {
        put_vex(s, row);
    } else {
        if (!(row->prefix & PF_NP))
            put8(s, row->prefix & PF_66 ? 0x66 : row->prefix & PF_F3 ? 0xf3 : 0xf2);
        if (is_long(s) && (row->attributes & ISA_REXW || rng_chance(r, 35)))
            put8(s, 0x40 | rng_below(r, 16) | (row->attributes & ISA_REXW ? 8 : 0));
        if (row->map)
            put8(s, 0x0f);
        if (row->map >= 2)
            put8(s, row->map == 2 ? 0x38 : 0x3a);
    }
    put8(s, row->opcode + (row->attributes & ISA_PLUSR ? rng_below(r, 8) : 0));
}

/* ModRM and what follows: displacements and immediates are small as often as not. The decoder says how long it all is. */
static void put_rest(struct stream *s, const struct isa_row *row, unsigned begin)
{
    struct rng *r = s->rng;
    struct cpu_insn insn;
    const struct isa_row *found;
    unsigned len, tail;

    if (row->ext >= 0xc0)
        put8(s, row->ext);
    else if (row->ext != EXT_NONE)
        put8(s, (rng_chance(r, 40) ? 0xc0 : rng_below(r, 4) << 6) | (row->ext == EXT_R ? rng_below(r, 8) : row->ext) << 3 | rng_below(r, 8));
    tail = s->len;
    if (tail + 12 > s->room)
        return;
    for (unsigned n = 0; n < 12; n++)
        s->out[tail + n] = n && rng_chance(r, 60) ? 0 : (uint8_t)rng_any(r);
    len = decode(s->isa, s->mode, 0, s->out + begin, s->room - begin < 15 ? s->room - begin : 15, &insn, &found);
    s->len = begin + len > tail ? begin + len : tail;
    if (s->len > s->room)
        s->len = s->room;
}

static void put_row(struct stream *s)
{
    const struct isa_row *row = &isa_rows[rng_below(s->rng, isa_row_count)];
    unsigned begin = s->len;

    if (s->room - s->len < 30)
        return;
    if (rng_chance(s->rng, 25)) /* an address that is one */
        put_mov(s, rng_below(s->rng, 8) & ~4u, stream_value(s->rng)), begin = s->len;
    put_prefixes(s, row);
    put_opcode(s, row);
    put_rest(s, row, begin);
}

static void put_random(struct stream *s)
{
    unsigned len = 1 + rng_below(s->rng, 8);

    for (unsigned n = 0; n < len; n++)
        put8(s, (unsigned)rng_next(s->rng));
}

void stream_fill(struct stream *s)
{
    memset(s->out, 0x90, s->room);
    while (s->len + 40 < s->room)
        switch (rng_below(s->rng, 24)) {
        case 0: case 1: put_port(s); break;
        case 2: put_msr(s); break;
        case 3: put_control(s); break;
        case 4: put_lapic(s); break;
        case 5: put_far(s); break;
        case 6: case 7: case 8: put_system(s); break;
        case 9: put_random(s); break;
        case 10: rng_chance(s->rng, 50) ? put_pci(s) : put_ioapic(s); break;
        default: put_row(s); break;
        }
    s->len = s->room - 5;
    put8(s, 0xe9); /* back to the first */
    if (is_16(s))
        put_le(s, (uint16_t)(2 - s->room), 2);
    else
        put_le(s, (uint32_t)(0 - s->room), 4);
}
