/*
 * String instructions, alone and with REP: SDM Vol. 1, "String operations"; Vol. 2B, "REP/REPE/REPZ/REPNE/REPNZ".
 *
 * Each iteration is a step, with a boundary behind it. A REP instruction (a block of its own) makes as many at a time as it may: not past
 * cpu->budget, one when somebody looks at each step, and otherwise as far as its elements lie directly in host memory: to the end of the
 * page or segment. What does not lie so (a device, a watched page, an element across pages, an address that faults) is met only
 * by the first element of a call, with nothing yet done; so a fault or an unwinding leaves just that iteration undone, and
 * the elements before it are registers and steps already.
 */
#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/seg.h"
#include "cpu/smm.h"
#include "cpu/transfer.h"

/* ---- Addresses ---- */

/* SI, DI, CX in the address size. */
static inline __attribute__((always_inline)) uint64_t index_of(const struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, unsigned reg)
{
    return ea == EA_LONG ? cpu->reg[reg] : ea == EA_FLAT ? (uint32_t)cpu->reg[reg] : insn_ad_cut(i, cpu->reg[reg]);
}
static inline __attribute__((always_inline)) void index_add(struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, unsigned reg, uint64_t n)
{
    exec_set_reg(cpu, reg * 8, ea == EA_LONG ? 64 : ea == EA_FLAT ? 32 : insn_ad_bytes(i) * 8, cpu->reg[reg] + n);
}

static inline uint64_t stride(const struct cpu *cpu, unsigned bytes)
{
    return cpu->eflags & EFL_DF ? -(uint64_t)bytes : bytes;
}

static inline __attribute__((always_inline)) sim_laddr element(struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, unsigned reg,
                                                               unsigned bytes, enum mem_access access)
{
    if (ea == EA_FLAT)
        return (uint32_t)cpu->reg[reg];
    if (ea == EA_LONG && mem_canonical(cpu, cpu->reg[reg]) && mem_canonical(cpu, cpu->reg[reg] + bytes - 1))
        return cpu->reg[reg];
    return mem_segment(cpu, i, reg == CPU_SI ? i->seg : CPU_ES, index_of(cpu, i, ea, reg), bytes, access);
}

/* ---- Runs of elements ---- */

struct run {
    uint8_t *host;  /* of the first element; NULL: it must be accessed the slow way */
    uint64_t count; /* elements that can be reached from there, in the direction of DF */
};

static uint64_t at_least_one(uint64_t n)
{
    return n ? n : 1;
}

/* Elements from `off` on until the segment's limit or the wrap of the address; the first is known to be good. */
static uint64_t run_in_segment(const struct cpu *cpu, const struct cpu_insn *i, unsigned seg, uint64_t off, unsigned bytes)
{
    const struct cpu_seg *s = &cpu->seg[seg];
    bool down = (s->attr & (SEG_TYPE_CODE | SEG_TYPE_DOWN)) == SEG_TYPE_DOWN;
    uint64_t low = down ? (uint64_t)s->limit + 1 : 0, high = down ? s->attr & SEG_DB ? UINT32_MAX : 0xffff : s->limit;
    uint64_t wrap = insn_ad_cut(i, UINT64_MAX);

    if (cpu->mode & MODE_L) /* only the wrap of a 32-bit address: a page is never partly canonical */
        return cpu->eflags & EFL_DF ? off / bytes + 1 : at_least_one((wrap - off) / bytes + ((wrap - off) % bytes == bytes - 1));
    if (cpu->eflags & EFL_DF)
        return (off - low) / bytes + 1;
    return at_least_one(((high < wrap ? high : wrap) - off + 1) / bytes);
}

static inline __attribute__((always_inline)) struct run run_at(struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, unsigned reg,
                                                               unsigned bytes, bool write)
{
    sim_laddr laddr = element(cpu, i, ea, reg, bytes, write ? MEM_WRITE : MEM_READ);
    uint32_t len = SIM_PAGE_SIZE - (laddr & SIM_PAGE_MASK);
    struct run run = { .host = mem_fast(write ? cpu->fast_write : cpu->fast_read, laddr, bytes) };

    if (!run.host) {
        run.host = write ? mem_direct_write(cpu, i, laddr, &len) : mem_direct_read(cpu, i, laddr, &len);
        if (len < bytes) {
            run.host = NULL;
            return run;
        }
    }
    run.count = cpu->eflags & EFL_DF ? (laddr & SIM_PAGE_MASK) / bytes + 1 : len / bytes;
    if (ea == EA_ANY) {
        uint64_t room = run_in_segment(cpu, i, reg == CPU_SI ? i->seg : CPU_ES, index_of(cpu, i, ea, reg), bytes);

        if (room < run.count)
            run.count = room;
    }
    return run;
}

/* How many iterations this call may make at most, of `count` that are left. */
static uint64_t iterations(const struct cpu *cpu, uint64_t count)
{
    if (cpu->attention)
        return 1;
    return count < cpu->budget ? count : cpu->budget;
}

/* #AC is met element by element. */
static bool may_run(const struct cpu *cpu, uint64_t n)
{
    return n > 1 && !(cpu->eflags & EFL_AC && cpu->cr0 & CR0_AM && cpu->cpl == 3);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* `done` iterations were made (at least one, of `count`). `more`: the condition lets it go on. */
static unsigned rep_end(struct cpu *cpu, const struct cpu_insn *i, uint64_t done, uint64_t count, bool more)
{
    index_add(cpu, i, EA_ANY, CPU_CX, -done);
    cpu->extra_steps += done - 1;
    if (done > 1)
        cpu->attention |= CPU_ATT_COUNT;
    if (done == count || !more)
        CONTINUE;
    cpu->attention |= CPU_ATT_COUNT;
    cpu->ip = CPU_INSN_IP(cpu, i);
    cpu->retire = false;
    return CPU_X_JUMP;
}

/* `one` does one element, registers included. `many` does up to n >= 1 of them in host memory, and returns how many, or 0 if that
 * cannot be done: then `one` does the first. */
#define REP(one, many)                                                                                                       \
    do {                                                                                                                     \
        uint64_t count = index_of(cpu, i, EA, CPU_CX), n, done = 0;                                                          \
                                                                                                                             \
        if (!count)                                                                                                          \
            CONTINUE;                                                                                                        \
        n = iterations(cpu, count);                                                                                          \
        if (may_run(cpu, n))                                                                                                 \
            done = many(cpu, i, EA, BYTES, n);                                                                               \
        if (!done) {                                                                                                         \
            one(cpu, i, EA, BYTES);                                                                                          \
            done = 1;                                                                                                        \
        }                                                                                                                    \
        return rep_end(cpu, i, done, count, true);                                                                           \
    } while (0)

/* The same for CMPS and SCAS, which stop when what they compared is not as REPE or REPNE wants it. `p` is what the last one compared. */
#define REP_WHILE(one, many)                                                                                                 \
    do {                                                                                                                     \
        uint64_t count = index_of(cpu, i, EA, CPU_CX), n, done = 0;                                                          \
        bool more;                                                                                                           \
        struct pair p;                                                                                                       \
                                                                                                                             \
        if (!count)                                                                                                          \
            CONTINUE;                                                                                                        \
        n = iterations(cpu, count);                                                                                          \
        if (may_run(cpu, n))                                                                                                 \
            done = many(cpu, i, EA, BYTES, n, &p);                                                                           \
        if (!done) {                                                                                                         \
            p = one(cpu, i, EA, BYTES);                                                                                      \
            done = 1;                                                                                                        \
        }                                                                                                                    \
        more = (p.a == p.b) != ((i->flags & INSN_REPNE) != 0);                                                               \
        if (done == count || !more)                                                                                          \
            compare(cpu, BYTES, p);                                                                                          \
        return rep_end(cpu, i, done, count, more);                                                                           \
    } while (0)

#define STRING_FN_(type, name, ...)                                                                                          \
    static inline __attribute__((always_inline)) type name(struct cpu *cpu, const struct cpu_insn *i, const enum mem_ea ea,  \
                                                           const unsigned bytes __VA_ARGS__)
#define STRING_BODY(name)        STRING_FN_(void, name)
#define STRING_RUN(name)         STRING_FN_(uint64_t, name, , uint64_t n)
#define STRING_COMPARE(name)     STRING_FN_(struct pair, name)
#define STRING_COMPARE_RUN(name) STRING_FN_(uint64_t, name, , uint64_t n, struct pair *p)
#define STRING_TEMPLATE(name)                                                                                                \
    CPU_MEM_BV(name, N) CPU_MEM_BV(name, REP) CPU_HANDLERS(name, CPU_SLOT_MEM_BV(name, N) CPU_SLOT_MEM_BV(name, REP))

/* ---- MOVS: SDM Vol. 2B, "MOVS/MOVSB/MOVSW/MOVSD/MOVSQ" ---- */

STRING_BODY(movs_one)
{
    uint64_t step = stride(cpu, bytes), v = mem_read(cpu, i, element(cpu, i, ea, CPU_SI, bytes, MEM_READ), bytes);

    mem_write(cpu, i, element(cpu, i, ea, CPU_DI, bytes, MEM_WRITE), bytes, v);
    index_add(cpu, i, ea, CPU_SI, step);
    index_add(cpu, i, ea, CPU_DI, step);
}

/* Element by element in rising or falling order: copies that overlap replicate. */
static inline __attribute__((always_inline)) void copy(uint8_t *to, const uint8_t *from, unsigned bytes, uint64_t n, bool down)
{
    if (!down && ((uintptr_t)to <= (uintptr_t)from || (uintptr_t)to >= (uintptr_t)from + n * bytes)) {
        memmove(to, from, n * bytes);
        return;
    }
    for (; n; n--) {
        exec_store(to, bytes * 8, exec_load(from, bytes * 8));
        to += down ? -(int)bytes : (int)bytes;
        from += down ? -(int)bytes : (int)bytes;
    }
}

STRING_RUN(movs_many)
{
    struct run from = run_at(cpu, i, ea, CPU_SI, bytes, false), to;

    if (!from.host)
        return 0;
    to = run_at(cpu, i, ea, CPU_DI, bytes, true);
    if (!to.host)
        return 0;
    n = least(n, least(from.count, to.count));
    copy(to.host, from.host, bytes, n, cpu->eflags & EFL_DF);
    index_add(cpu, i, ea, CPU_SI, n * stride(cpu, bytes));
    index_add(cpu, i, ea, CPU_DI, n * stride(cpu, bytes));
    return n;
}

CPU_BODY(movs)
{
    if (FORM == FORM_REP)
        REP(movs_one, movs_many);
    movs_one(cpu, i, EA, BYTES);
    CONTINUE;
}
STRING_TEMPLATE(movs)

/* ---- STOS: SDM Vol. 2B, "STOS/STOSB/STOSW/STOSD/STOSQ" ---- */

STRING_BODY(stos_one)
{
    mem_write(cpu, i, element(cpu, i, ea, CPU_DI, bytes, MEM_WRITE), bytes, exec_reg(cpu, CPU_AX * 8, bytes * 8));
    index_add(cpu, i, ea, CPU_DI, stride(cpu, bytes));
}

STRING_RUN(stos_many)
{
    struct run to = run_at(cpu, i, ea, CPU_DI, bytes, true);
    uint64_t v = exec_reg(cpu, CPU_AX * 8, bytes * 8);
    uint8_t *first;

    if (!to.host)
        return 0;
    n = least(n, to.count);
    first = cpu->eflags & EFL_DF ? to.host - (n - 1) * bytes : to.host;
    if (bytes == 1)
        memset(first, (int)v, n);
    else
        for (uint64_t k = 0; k < n; k++)
            exec_store(first + k * bytes, bytes * 8, v);
    index_add(cpu, i, ea, CPU_DI, n * stride(cpu, bytes));
    return n;
}

CPU_BODY(stos)
{
    if (FORM == FORM_REP)
        REP(stos_one, stos_many);
    stos_one(cpu, i, EA, BYTES);
    CONTINUE;
}
STRING_TEMPLATE(stos)

/* ---- LODS: SDM Vol. 2A, "LODS/LODSB/LODSW/LODSD/LODSQ" ---- */

STRING_BODY(lods_one)
{
    uint64_t v = mem_read(cpu, i, element(cpu, i, ea, CPU_SI, bytes, MEM_READ), bytes);

    exec_set_reg(cpu, CPU_AX * 8, bytes * 8, v);
    index_add(cpu, i, ea, CPU_SI, stride(cpu, bytes));
}

STRING_RUN(lods_many)
{
    struct run from = run_at(cpu, i, ea, CPU_SI, bytes, false);

    if (!from.host)
        return 0;
    n = least(n, from.count);
    exec_set_reg(cpu, CPU_AX * 8, bytes * 8, exec_load(from.host + (int64_t)((n - 1) * stride(cpu, bytes)), bytes * 8));
    index_add(cpu, i, ea, CPU_SI, n * stride(cpu, bytes));
    return n;
}

CPU_BODY(lods)
{
    if (FORM == FORM_REP)
        REP(lods_one, lods_many);
    lods_one(cpu, i, EA, BYTES);
    CONTINUE;
}
STRING_TEMPLATE(lods)

/* ---- CMPS: SDM Vol. 2A, "CMPS/CMPSB/CMPSW/CMPSD/CMPSQ" ----
 *
 * The destination is read first, as processors do; it shows when both fault.
 *
 * With REP, CMPS and SCAS write the flags when they end: after an iteration that is not the last (a trap, an interrupt or a fault may
 * follow it) they are still those of before. SDM Vol. 2B, "REP/REPE/REPZ/REPNE/REPNZ", says so of faults; processors do it always.
 */

/* What an iteration compared. */
struct pair {
    uint64_t a, b;
};

static inline __attribute__((always_inline)) void compare(struct cpu *cpu, unsigned bytes, struct pair p)
{
    flags_sub(cpu, bytes * 8, p.a, p.b, exec_cut(p.a - p.b, bytes * 8));
}

STRING_COMPARE(cmps_one)
{
    struct pair p;

    p.b = mem_read(cpu, i, element(cpu, i, ea, CPU_DI, bytes, MEM_READ), bytes);
    p.a = mem_read(cpu, i, element(cpu, i, ea, CPU_SI, bytes, MEM_READ), bytes);
    index_add(cpu, i, ea, CPU_SI, stride(cpu, bytes));
    index_add(cpu, i, ea, CPU_DI, stride(cpu, bytes));
    return p;
}

STRING_COMPARE_RUN(cmps_many)
{
    struct run right = run_at(cpu, i, ea, CPU_DI, bytes, false), left;
    int64_t step = (int64_t)stride(cpu, bytes);
    bool while_equal = !(i->flags & INSN_REPNE);
    uint64_t done = 0;

    if (!right.host)
        return 0;
    left = run_at(cpu, i, ea, CPU_SI, bytes, false);
    if (!left.host)
        return 0;
    n = least(n, least(left.count, right.count));
    do {
        p->a = exec_load(left.host + (int64_t)done * step, bytes * 8);
        p->b = exec_load(right.host + (int64_t)done * step, bytes * 8);
    } while (++done < n && (p->a == p->b) == while_equal);
    index_add(cpu, i, ea, CPU_SI, done * (uint64_t)step);
    index_add(cpu, i, ea, CPU_DI, done * (uint64_t)step);
    return done;
}

CPU_BODY(cmps)
{
    if (FORM == FORM_REP)
        REP_WHILE(cmps_one, cmps_many);
    compare(cpu, BYTES, cmps_one(cpu, i, EA, BYTES));
    CONTINUE;
}
STRING_TEMPLATE(cmps)

/* ---- SCAS: SDM Vol. 2B, "SCAS/SCASB/SCASW/SCASD" ---- */

STRING_COMPARE(scas_one)
{
    struct pair p = { exec_reg(cpu, CPU_AX * 8, bytes * 8), mem_read(cpu, i, element(cpu, i, ea, CPU_DI, bytes, MEM_READ), bytes) };

    index_add(cpu, i, ea, CPU_DI, stride(cpu, bytes));
    return p;
}

STRING_COMPARE_RUN(scas_many)
{
    struct run right = run_at(cpu, i, ea, CPU_DI, bytes, false);
    int64_t step = (int64_t)stride(cpu, bytes);
    bool while_equal = !(i->flags & INSN_REPNE);
    uint64_t done = 0;

    if (!right.host)
        return 0;
    n = least(n, right.count);
    p->a = exec_reg(cpu, CPU_AX * 8, bytes * 8);
    do
        p->b = exec_load(right.host + (int64_t)done * step, bytes * 8);
    while (++done < n && (p->a == p->b) == while_equal);
    index_add(cpu, i, ea, CPU_DI, done * (uint64_t)step);
    return done;
}

CPU_BODY(scas)
{
    if (FORM == FORM_REP)
        REP_WHILE(scas_one, scas_many);
    compare(cpu, BYTES, scas_one(cpu, i, EA, BYTES));
    CONTINUE;
}
STRING_TEMPLATE(scas)

/* ---- INS, OUTS: SDM Vol. 2A, "INS/INSB/INSW/INSD"; Vol. 2B, "OUTS/OUTSB/OUTSW/OUTSD" ---- */

/* The destination, then the port: it is read only when nothing can fail any more. */
static void ins_one(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes)
{
    sim_laddr laddr = element(cpu, i, EA_ANY, CPU_DI, bytes, MEM_WRITE);

    mem_probe_write(cpu, i, laddr, bytes);
    mem_write(cpu, i, laddr, bytes, mem_in(cpu, i, (uint16_t)cpu->reg[CPU_DX], bytes));
    smm_note_string(cpu, i, laddr);
    index_add(cpu, i, EA_ANY, CPU_DI, stride(cpu, bytes));
}

static void outs_one(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes)
{
    sim_laddr laddr = element(cpu, i, EA_ANY, CPU_SI, bytes, MEM_READ);
    uint64_t v = mem_read(cpu, i, laddr, bytes);

    mem_out(cpu, i, (uint16_t)cpu->reg[CPU_DX], bytes, (uint32_t)v);
    smm_note_string(cpu, i, laddr);
    index_add(cpu, i, EA_ANY, CPU_SI, stride(cpu, bytes));
}

/* Ports are devices: one iteration at a time. Permission is asked first, even for a count of 0. */
static unsigned port_string(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes,
                            void (*one)(struct cpu *, const struct cpu_insn *, unsigned))
{
    uint64_t count = index_of(cpu, i, EA_ANY, CPU_CX);

    cpu->cur = i;
    io_check(cpu, (uint16_t)cpu->reg[CPU_DX], bytes);
    if (!(i->flags & (INSN_REP | INSN_REPNE))) {
        one(cpu, i, bytes);
        CONTINUE;
    }
    if (!count)
        CONTINUE;
    one(cpu, i, bytes);
    return rep_end(cpu, i, 1, count, true);
}

static inline unsigned port_bytes(const struct cpu_insn *i) { return i->flags & (INSN_OP32 | INSN_OP64) ? 4 : 2; }

CPU_OP(op_ins_b)  { return port_string(cpu, i, 1, ins_one); }
CPU_OP(op_ins_v)  { return port_string(cpu, i, port_bytes(i), ins_one); }
CPU_OP(op_outs_b) { return port_string(cpu, i, 1, outs_one); }
CPU_OP(op_outs_v) { return port_string(cpu, i, port_bytes(i), outs_one); }
