/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second CPU, if there is one: found in the MP table (MultiProcessor Specification 1.4) or the
 * ACPI MADT, started through the local APIC, then asleep until smp_run() has work for it.
 */
#include "kernel.h"

#define LAPIC_ID       0x020
#define LAPIC_EOI      0x0B0
#define LAPIC_SPURIOUS 0x0F0
#define LAPIC_ICR_LOW  0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LINT0    0x350
#define LAPIC_LINT1    0x360

#define LAPIC_ENABLE   0x100
#define LVT_NMI        0x400
#define LVT_EXTINT     0x700            /* the 8259's interrupts pass through */
#define ICR_FIXED      0x0000
#define ICR_INIT       0x0500
#define ICR_STARTUP    0x0600
#define ICR_PENDING    0x1000
#define ICR_ASSERT     0x4000
#define ICR_LEVEL      0x8000

#define SIGNATURE(a, b, c, d) ((uint32_t)(a) | (b) << 8 | (c) << 16 | (uint32_t)(d) << 24)

extern const char ap_boot[], ap_boot_end[];

static uint32_t lapic;                  /* its physical, and linear, address */
static const char *source = "no table of CPUs";
static uint8_t own_id, other_id;
static bool other_found;
static volatile bool other_runs;
static void (*volatile other_job)(void);

/* Reads of tables; nothing promises that they are aligned. */
static uint8_t get8(uint32_t paddr)
{
    return *(volatile uint8_t *)paddr;
}

static uint16_t get16(uint32_t paddr)
{
    return *(volatile uint16_t *)paddr;
}

static uint32_t get32(uint32_t paddr)
{
    return *(volatile uint32_t *)paddr;
}

static bool sums_to_zero(uint32_t paddr, uint32_t bytes)
{
    uint8_t sum = 0;

    while (bytes--)
        sum += get8(paddr++);
    return sum == 0;
}

/* An anchor lies on a 16-byte boundary, in the first KiB of the EBDA or in the BIOS. */
static uint32_t find_anchor(uint32_t signature, uint32_t bytes)
{
    const uint32_t ebda = get16(0x40E) << 4;
    const uint32_t places[][2] = {
        { ebda, ebda + 1024 }, { 0x9FC00, 0xA0000 }, { 0xE0000, 0x100000 },
    };

    for (unsigned i = 0; i < array_length(places); i++)
        for (uint32_t p = places[i][0]; p < places[i][1]; p += 16)
            if (get32(p) == signature && sums_to_zero(p, bytes))
                return p;
    return 0;
}

static void cpu_found(uint8_t id, bool enabled)
{
    own_id = get32(lapic + LAPIC_ID) >> 24;
    if (!enabled || id == own_id || other_found)
        return;
    other_id = id;
    other_found = true;
}

static bool read_mp_table(void)
{
    uint32_t anchor = find_anchor(SIGNATURE('_', 'M', 'P', '_'), 16);
    uint32_t table = anchor ? get32(anchor + 4) : 0, entry = table + 44;

    if (!table || get32(table) != SIGNATURE('P', 'C', 'M', 'P') ||
        !sums_to_zero(table, get16(table + 4)))
        return false;
    lapic = get32(table + 36);
    for (unsigned n = get16(table + 34); n; n--) {
        bool is_cpu = get8(entry) == 0;

        if (is_cpu)
            cpu_found(get8(entry + 1), get8(entry + 3) & 1);
        entry += is_cpu ? 20 : 8;
    }
    return true;
}

static bool read_madt(uint32_t madt)
{
    uint32_t end = madt + get32(madt + 4);

    if (!sums_to_zero(madt, get32(madt + 4)))
        return false;
    lapic = get32(madt + 36);
    for (uint32_t p = madt + 44; p < end && get8(p + 1); p += get8(p + 1))
        if (get8(p) == 0)
            cpu_found(get8(p + 3), get32(p + 4) & 1);
    return true;
}

static bool read_acpi(void)
{
    uint32_t rsdp = find_anchor(SIGNATURE('R', 'S', 'D', ' '), 20);
    uint32_t rsdt = rsdp ? get32(rsdp + 16) : 0;

    if (!rsdt || get32(rsdt) != SIGNATURE('R', 'S', 'D', 'T') ||
        !sums_to_zero(rsdt, get32(rsdt + 4)))
        return false;
    for (uint32_t p = rsdt + 36; p < rsdt + get32(rsdt + 4); p += 4)
        if (get32(get32(p)) == SIGNATURE('A', 'P', 'I', 'C'))
            return read_madt(get32(p));
    return false;
}

void smp_find(void)
{
    if (!cpu_has_apic())
        source = "no local APIC";
    else if (read_mp_table() && other_found)
        source = "MP table";
    else if (read_acpi())               /* which knows more: the MP table leaves out cores */
        source = "ACPI";
}

static uint32_t lapic_read(uint32_t reg)
{
    return *(volatile uint32_t *)(lapic + reg);
}

static void lapic_write(uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(lapic + reg) = value;
}

static void send_to_other(uint32_t command)
{
    uint32_t eflags = interrupts_save();

    lapic_write(LAPIC_ICR_HIGH, (uint32_t)other_id << 24);
    lapic_write(LAPIC_ICR_LOW, command);
    while (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING)
        continue;
    interrupts_restore(eflags);
}

/* The second CPU comes here from boot.S, on the last of the stacks. */
void ap_main(void)
{
    cpu_init_second();
    lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
    other_runs = true;
    for (;;) {
        interrupts_off();               /* or the IPI might come between the test and the HLT */
        if (!other_job) {
            interrupts_on_and_halt();
            continue;
        }
        interrupts_on();
        other_job();
        other_job = NULL;
    }
}

void smp_start(void)
{
    if (!other_found)
        return;
    page_map(kernel_dir, lapic, lapic, PTE_W | PTE_UNCACHED);
    lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
    lapic_write(LAPIC_LINT0, LVT_EXTINT);
    lapic_write(LAPIC_LINT1, LVT_NMI);

    memcpy((void *)AP_BOOT, ap_boot, ap_boot_end - ap_boot);
    send_to_other(ICR_INIT | ICR_LEVEL | ICR_ASSERT);
    send_to_other(ICR_INIT | ICR_LEVEL);
    task_sleep(2);                      /* at least the 10 ms that it may take */
    for (unsigned tries = 0; tries < 2 && !other_runs; tries++) {
        send_to_other(ICR_STARTUP | AP_BOOT >> 12);
        for (unsigned wait = 0; wait < 10 && !other_runs; wait++)
            task_sleep(1);
    }
}

unsigned smp_cpus(void)
{
    return other_runs ? 2 : 1;
}

const char *smp_source(void)
{
    return source;
}

unsigned smp_this_cpu(void)
{
    return other_runs && lapic_read(LAPIC_ID) >> 24 == other_id;
}

void smp_acknowledge(void)
{
    lapic_write(LAPIC_EOI, 0);
}

void smp_run(void (*job)(void))
{
    other_job = job;
    send_to_other(ICR_FIXED | VECTOR_IPI);
}

bool smp_busy(void)
{
    return other_job != NULL;
}
