/*
 * A guest that does everything at once: each CPU draws what it does next, and all share memory, devices and interrupts. It never ends and
 * never says that something is wrong: it is there to be run twice.
 *
 * Of what is hard to repeat there is: REP over pages and over each other's data, accesses across pages, code that is rewritten while it runs,
 * more pages than the TLB holds, page-table entries that change with and without INVLPG, interrupts from PIT, local timers and other CPUs,
 * HLT, spin locks with and without PAUSE, devices, RDTSC, single-stepping, data breakpoints, faults.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPUS        8
#define PAGES       16384u                      /* 64 MiB, one to one */
#define TABLES      0x800000u                   /* the page tables: 16, and one for the devices */
#define FIRST_PAGE  4096u                       /* what is written over at random begins at 16 MiB */
#define WINDOW      0x3000000u                  /* pages that are mapped anew */
#define SHARED      0x2000000u                  /* 64 KiB that all copy to and from */
#define LAPIC       0xFEE00000u
#define VGA_TEXT    0xB8000u

struct frame { uint32_t eip, cs, eflags; };

extern const uint8_t ap_code[], ap_code_end[];
extern volatile uint32_t cpus;

static uint64_t idt[256];
static uint8_t code[CPUS][64] __attribute__((aligned(4096)));
static volatile uint32_t lock, counter, heard[256];
static volatile uint32_t sum[CPUS];

/* ---- The machine ---- */

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }
static inline uint8_t inb(uint16_t port) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline uint32_t inl(uint16_t port) { uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline uint32_t apic_read(uint32_t reg) { return *(volatile uint32_t *)(LAPIC + reg); }
static inline void apic_write(uint32_t reg, uint32_t v) { *(volatile uint32_t *)(LAPIC + reg) = v; }
static uint32_t *entry(uint32_t page) { return (uint32_t *)(TABLES + 0x1000) + page; }

/* ---- Interrupts ---- */

#define QUIET __attribute__((interrupt))

QUIET static void on_irq0(struct frame *f) { (void)f; heard[32]++; outb(0x20, 0x20); }
QUIET static void on_timer(struct frame *f) { (void)f; heard[0x40]++; apic_write(0xB0, 0); }
QUIET static void on_message(struct frame *f) { (void)f; heard[0x41]++; apic_write(0xB0, 0); }
QUIET static void on_spurious(struct frame *f) { (void)f; heard[0xFF]++; }
QUIET static void on_debug(struct frame *f) { (void)f; heard[1]++; __asm__ volatile("mov %0, %%dr6" : : "r"(0)); }
QUIET static void on_ud2(struct frame *f) { heard[6]++; f->eip += 2; }
/* Only MOV EAX, [imm32], of five bytes, faults. */
QUIET static void on_page_fault(struct frame *f, uint32_t error) { heard[14] += error + 1; f->eip += 5; }

static void gate(unsigned vector, void *handler)
{
    uint32_t at = (uint32_t)handler;

    idt[vector] = (uint64_t)(at & 0xFFFF0000) << 32 | 0x8E0000080000ull | (at & 0xFFFF);
}

static void load_idt(void)
{
    struct { uint16_t limit; uint32_t base; } __attribute__((packed)) r = { sizeof(idt) - 1, (uint32_t)idt };

    __asm__ volatile("lidt %0" : : "m"(r));
}

static void paging_on(void)
{
    __asm__ volatile("mov %0, %%cr3; mov %%cr0, %%eax; or $0x80010000, %%eax; mov %%eax, %%cr0" : : "r"(TABLES) : "eax", "memory");
}

static void make_tables(void)
{
    uint32_t *directory = (uint32_t *)TABLES, *devices = (uint32_t *)(TABLES + 0x1000 + PAGES * 4);

    for (unsigned n = 0; n < 1024; n++)
        directory[n] = 0, devices[n] = 0;
    for (unsigned n = 0; n < PAGES / 1024; n++)
        directory[n] = (TABLES + 0x1000 + n * 0x1000) | 3;
    for (unsigned n = 0; n < PAGES; n++)
        *entry(n) = n << 12 | 3;
    *entry(0) = 0;
    directory[LAPIC >> 22] = (uint32_t)devices | 3;
    devices[LAPIC >> 12 & 1023] = LAPIC | 0x1B;
}

/* ---- What is done ---- */

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void take_lock(bool pause)
{
    uint32_t was;

    do {
        was = 1;
        __asm__ volatile("xchg %0, %1" : "+r"(was), "+m"(lock) : : "memory");
        if (was && pause)
            __asm__ volatile("pause");
    } while (was);
}

static void drop_lock(void) { lock = 0; }

static uint32_t walk_pages(uint32_t *seed)
{
    uint32_t s = 0;

    for (unsigned n = 0; n < 48; n++) {
        volatile uint32_t *p = (uint32_t *)((FIRST_PAGE + draw(seed) % (PAGES - FIRST_PAGE - 1)) << 12 | (draw(seed) & 0xFFC));

        s += *p;
        if (n & 1)
            *p = s;
    }
    return s;
}

static uint32_t strings(uint32_t *seed)
{
    uint32_t to = SHARED + (draw(seed) & 0x7FFF), from = SHARED + (draw(seed) & 0x7FFF), n = draw(seed) % (draw(seed) & 1 ? 9000 : 40), a = *seed;

    switch (draw(seed) % 9) {
    case 0: __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); break;
    case 1: n /= 4; __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); break;
    case 2: n /= 4; __asm__ volatile("std; rep movsl; cld" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); break;
    case 3: __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(a) : "memory"); break;
    case 4: n /= 2; __asm__ volatile("rep stosw" : "+D"(to), "+c"(n) : "a"(a) : "memory"); break;
    case 5: __asm__ volatile("repe cmpsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory", "cc"); break;
    case 6: __asm__ volatile("repne scasb" : "+D"(to), "+c"(n) : "a"(a) : "memory", "cc"); break;
    case 7: __asm__ volatile("rep lodsl" : "+S"(from), "+c"(n), "+a"(a) : : "memory"); break;
    default: to = from + 1; __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); break;
    }
    return to + from + n + a;
}

/* MOV EAX, imm32; RET, its constant written just before; sometimes a neighbour's is called. */
static uint32_t new_code(uint32_t *seed, unsigned cpu)
{
    uint8_t *at = code[draw(seed) & 3 ? cpu : draw(seed) % CPUS];
    uint32_t (*call)(void) = (uint32_t (*)(void))at, s;

    *(volatile uint32_t *)(at + 4) = draw(seed); /* the constant: aligned, so never half of it is seen */
    s = call();
    *(volatile uint32_t *)(at + 4) ^= s;
    return s + call();
}

static uint32_t devices(uint32_t *seed)
{
    uint32_t s;

    switch (draw(seed) % 11) {
    case 0: take_lock(true); outb(0x43, 0); s = inb(0x40); s |= (uint32_t)inb(0x40) << 8; drop_lock(); return s;
    case 1: take_lock(true); outb(0x70, 0x0C & draw(seed)); s = inb(0x71); drop_lock(); return s;
    case 2: return inb(0x61);
    case 3: return inb(0x3DA);
    case 4: return inb(0x3FD);
    case 5: return inb(0x64);
    case 6: return inb(0x21) + inb(0xA1);
    case 7: return inb(0x1F7);
    case 8: take_lock(false); outl(0xCF8, 0x80000000 | (draw(seed) & 0xFFFC)); s = inl(0xCFC); drop_lock(); return s;
    case 9: take_lock(true); outb(0x3F8, 'a' + draw(seed) % 26); drop_lock(); return 0;
    default:
        *(volatile uint16_t *)(VGA_TEXT + (draw(seed) & 0xFFE)) = (uint16_t)*seed;
        return *(volatile uint32_t *)(VGA_TEXT + (draw(seed) & 0xFF0) + 14);
    }
}

static uint32_t shared_counters(uint32_t *seed)
{
    uint32_t n = draw(seed) & 7, expected = counter;

    __asm__ volatile("lock xaddl %0, %1" : "+r"(n), "+m"(counter) : : "memory");
    __asm__ volatile("lock cmpxchgl %2, %1" : "+a"(expected), "+m"(counter) : "r"(*seed & 0xFFFF) : "memory", "cc");
    counter++; /* a race */
    __asm__ volatile("lock btsl %1, %0" : "+m"(counter) : "r"(n & 31) : "memory", "cc");
    return n + expected;
}

static uint32_t local_timer(uint32_t *seed)
{
    apic_write(0x3E0, draw(seed) & 0xB);
    apic_write(0x320, 0x40 | (draw(seed) & 3 ? 0 : 0x20000));
    apic_write(0x380, 300 + draw(seed) % 6000);
    return apic_read(0x390);
}

static uint32_t message(uint32_t *seed)
{
    uint32_t to = draw(seed) % cpus;

    if (draw(seed) & 3) {
        apic_write(0x310, to << 24);
        apic_write(0x300, 0x4041);
    } else {
        apic_write(0x300, (draw(seed) & 1 ? 0xC4041 : 0x84041)); /* all others; all */
    }
    return apic_read(0x300);
}

/* Asleep until the local timer comes, or something before it. */
static uint32_t sleep(uint32_t *seed)
{
    apic_write(0x320, 0x40);
    apic_write(0x380, 100 + draw(seed) % 9000);
    __asm__ volatile("sti; hlt");
    return apic_read(0x390);
}

/* Another page is mapped, and the old one may still be seen. */
static uint32_t map_anew(uint32_t *seed, unsigned cpu)
{
    uint32_t page = (WINDOW >> 12) + cpu * 4 + (draw(seed) & 3), s;
    volatile uint32_t *p = (uint32_t *)(page << 12);

    s = *p;
    *p = s + 1;
    *entry(page) = (FIRST_PAGE + draw(seed) % 1000) << 12 | 3;
    if (draw(seed) & 1)
        __asm__ volatile("invlpg %0" : : "m"(*p));
    s += *p;
    s += *entry(page) & 0x60; /* accessed, dirty */
    if (!(draw(seed) & 15))
        __asm__ volatile("mov %%cr3, %%eax; mov %%eax, %%cr3" : : : "eax", "memory");
    return s;
}

static uint32_t across_pages(uint32_t *seed)
{
    volatile uint32_t *p = (uint32_t *)((FIRST_PAGE + draw(seed) % 2000) * 4096 - 1 - draw(seed) % 3);
    volatile uint32_t *window = (uint32_t *)(WINDOW + (draw(seed) % 28 + 1) * 4096 - 2);

    *p += *seed;
    *window ^= *p;
    return *window;
}

static uint32_t debugging(uint32_t *seed)
{
    static volatile uint32_t watched[4];

    switch (draw(seed) % 3) {
    case 0:
        __asm__ volatile("pushfl; orl $0x100, (%%esp); popfl; nop; inc %0; rep; nop; pushfl; andl $~0x100, (%%esp); popfl" : "+r"(*seed) : : "cc", "memory");
        return heard[1];
    case 1:
        __asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(&watched[1]), "r"(0xD0002));
        watched[0]++, watched[1]++, watched[2]++;
        __asm__ volatile("mov %0, %%dr7" : : "r"(0x400));
        return heard[1];
    default:
        __asm__ volatile("ud2; .byte 0xA1; .long 0x70000000" : : : "eax", "memory");
        return heard[6];
    }
}

static uint32_t time_stamp(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low ^ high;
}

static uint32_t compute(uint32_t *seed)
{
    uint32_t a = *seed, b = draw(seed) | 1;

    for (unsigned n = draw(seed) % 300; n; n--)
        a = (a * b >> 3) + a / b;
    return a;
}

static void __attribute__((noreturn)) storm(unsigned cpu)
{
    uint32_t seed = 0x12345 * (cpu + 1), s = 0;

    apic_write(0xF0, 0x1FF);
    for (;;) {
        switch (draw(&seed) % 20) {
        case 0: s += walk_pages(&seed); break;
        case 1: case 2: s += strings(&seed); break;
        case 3: case 4: s += new_code(&seed, cpu); break;
        case 5: case 6: s += devices(&seed); break;
        case 7: case 8: s += shared_counters(&seed); break;
        case 9: s += local_timer(&seed); break;
        case 10: s += message(&seed); break;
        case 11: s += sleep(&seed); break;
        case 12: case 13: s += map_anew(&seed, cpu); break;
        case 14: s += across_pages(&seed); break;
        case 15: s += debugging(&seed); break;
        case 16: s += time_stamp(); break;
        default: s += compute(&seed); break;
        }
        sum[cpu] = s ^= s >> 5;
        if (draw(&seed) & 1)
            __asm__ volatile("sti");
        else if (!(draw(&seed) & 3))
            __asm__ volatile("cli");
    }
}

void storm_other(unsigned cpu)
{
    paging_on();
    load_idt();
    storm(cpu);
}

static void devices_on(void)
{
    static const uint8_t pic[][2] = {
        { 0x20, 0x11 }, { 0xA0, 0x11 }, { 0x21, 32 }, { 0xA1, 40 }, { 0x21, 4 }, { 0xA1, 2 }, { 0x21, 1 }, { 0xA1, 1 }, { 0x21, 0xFE }, { 0xA1, 0xFF },
    };

    for (unsigned n = 0; n < sizeof(pic) / sizeof(pic[0]); n++)
        outb(pic[n][0], pic[n][1]);
    outb(0x43, 0x34);
    outb(0x40, 1193 & 0xFF);
    outb(0x40, 1193 >> 8);
}

void storm_main(void)
{
    uint8_t *low = (uint8_t *)0x8000;

    make_tables();
    for (unsigned n = 0; n < CPUS; n++) {
        code[n][3] = 0xB8; /* MOV EAX, imm32 */
        code[n][8] = 0xC3;
        for (unsigned k = 0; k < 3; k++)
            code[n][k] = 0x90;
    }
    gate(1, on_debug), gate(6, on_ud2), gate(14, on_page_fault), gate(32, on_irq0), gate(0x40, on_timer), gate(0x41, on_message), gate(0xFF, on_spurious);
    devices_on();
    for (const uint8_t *p = ap_code; p < ap_code_end; p++)
        *low++ = *p;
    paging_on();
    load_idt();
    apic_write(0xF0, 0x1FF);
    apic_write(0x350, 0x700); /* the 8259's interrupts pass through */
    apic_write(0x300, 0xC4500); /* INIT to all others */
    for (unsigned n = 0; n < 2000; n++)
        inb(0x61);
    apic_write(0x300, 0xC4608);
    for (unsigned n = 0; n < 100; n++)
        inb(0x61);
    storm(0);
}
