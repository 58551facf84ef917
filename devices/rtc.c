#include "devices/rtc.h"

#include "devices/i440fx.h"

#include <string.h>

#define RTC_HZ 32768
#define UPDATE_TICKS 73 /* UIP leads the update by 244 us, which takes 1984 us ("Update Cycle") */

/* "Address Map". */
enum {
    SECONDS, SECONDS_ALARM, MINUTES, MINUTES_ALARM, HOURS, HOURS_ALARM, DAY_OF_WEEK, DAY, MONTH, YEAR,
    REG_A, REG_B, REG_C, REG_D,
    CENTURY = 0x32
};

#define RTC_A(X, p)                                           \
    X(p, uip, 7, 7, "update in progress")                     \
    X(p, dv,  6, 4, "time base: 2 is 32.768 kHz, 6 and 7 hold the divider") \
    X(p, rs,  3, 0, "rate of the periodic interrupt")
SIM_BITS_DEFINE(rtc_a, RTC_A)

#define RTC_B(X, p)                                           \
    X(p, set,  7, 7, "no updates")                            \
    X(p, pie,  6, 6, "periodic interrupt enable")             \
    X(p, aie,  5, 5, "alarm interrupt enable")                \
    X(p, uie,  4, 4, "update-ended interrupt enable")         \
    X(p, sqwe, 3, 3, "square wave enable")                    \
    X(p, dm,   2, 2, "1 binary, 0 BCD")                       \
    X(p, h24,  1, 1, "1 24 hours, 0 12 hours with bit 7 for PM") \
    X(p, dse,  0, 0, "daylight saving")
SIM_BITS_DEFINE(rtc_b, RTC_B)

#define RTC_C(X, p)                                           \
    X(p, irqf, 7, 7, "a flag is set whose enable is set")     \
    X(p, pf,   6, 6, "periodic")                              \
    X(p, af,   5, 5, "alarm")                                 \
    X(p, uf,   4, 4, "update ended")
SIM_BITS_DEFINE(rtc_c, RTC_C)

enum { FLAG_PF = 0x40, FLAG_AF = 0x20, FLAG_UF = 0x10, FLAGS = 0x70, DV_NORMAL = 2, VRT = 0x80 };
#define BANK 128
#define DAYS_MAX 4000000 /* ten thousand years: bounds what a damaged file may ask for */

struct rtc {
    struct sim_device dev;
    uint64_t date, ram_bytes, boot_order, cpus, floppy_types, disks, disk_translation;
    bool no_floppy_check;
    uint8_t cmos[2 * BANK];
    uint8_t index[2];
    bool nmi_masked;
    uint64_t origin, tick;
    struct sim_event due;
    struct sim_wire_driver irq8;
    struct sim_range range;
};

static const struct sim_field rtc_fields[] = {
    SIM_FIELD_BYTES(struct rtc, cmos, "clock registers and memory"),
    SIM_FIELD_ARRAY(struct rtc, index, "byte selected by port 70h, and by port 72h"),
    SIM_FIELD(struct rtc, nmi_masked, "port 70h bit 7"),
    SIM_FIELD(struct rtc, origin, "32.768 kHz tick since power-on at which a second began"),
    SIM_FIELD(struct rtc, tick, "tick up to which registers and flags are true"),
    SIM_FIELD_EVENT(struct rtc, due, "next enabled interrupt"),
    SIM_FIELD_DERIVED(struct rtc, irq8, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct rtc, range, "ports 70h-73h"),
    SIM_FIELD_END
};

/* The registers bit by bit, for rtc_describe. */
static const struct sim_field registers[] = {
    { .name = "A", .bits = rtc_a_bits, .offset = offsetof(struct rtc, cmos[REG_A]), .width = 1, .count = 1, .kind = SIM_KIND_UINT },
    { .name = "B", .bits = rtc_b_bits, .offset = offsetof(struct rtc, cmos[REG_B]), .width = 1, .count = 1, .kind = SIM_KIND_UINT },
    { .name = "C", .bits = rtc_c_bits, .offset = offsetof(struct rtc, cmos[REG_C]), .width = 1, .count = 1, .kind = SIM_KIND_UINT },
    SIM_FIELD_END
};

static const struct sim_property rtc_properties[] = {
    SIM_PROPERTY_UINT_(struct rtc, date, 0, UINT64_C(253402300799), "1577836800", "seconds since 1970 at power-on"),
    SIM_PROPERTY_UINT_(struct rtc, ram_bytes, 0, UINT64_MAX, "134217728", "main memory"),
    SIM_PROPERTY_UINT_(struct rtc, boot_order, 0, 0xFFF, "50", "a digit a device, the lowest first: 1 floppy, 2 disk, 3 CD, 4 network"),
    SIM_PROPERTY_UINT_(struct rtc, cpus, 1, 256, "1", "processors"),
    SIM_PROPERTY_UINT_(struct rtc, floppy_types, 0, 0xFF, "0", "CMOS byte 10h: drive A in bits 7:4; 4 is 1.44 MB"),
    SIM_PROPERTY_UINT_(struct rtc, disks, 0, 3, "0", "bit 0: first disk, bit 1: second disk"),
    SIM_PROPERTY_UINT_(struct rtc, disk_translation, 0, 0xFF, "85", "CMOS byte 39h: two bits a disk; 0 none, 1 LBA, 2 large, 3 R-ECHS"),
    SIM_PROPERTY_BOOL_(struct rtc, no_floppy_check, "false", "boot floppies without the AA55 signature"),
    SIM_PROPERTY_END
};

static struct rtc *rtc_of(struct sim_device *dev)
{
    return (struct rtc *)dev;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

/* ---- Numbers in the calendar's format ---- */

static unsigned decode(const struct rtc *r, uint8_t v)
{
    return rtc_b_dm(r->cmos[REG_B]) ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t encode(const struct rtc *r, unsigned n)
{
    return (uint8_t)(rtc_b_dm(r->cmos[REG_B]) ? n : (n / 10) << 4 | n % 10);
}

/* Hours 0..23 of a register byte. */
static unsigned decode_hours(const struct rtc *r, uint8_t v)
{
    unsigned h;

    if (rtc_b_h24(r->cmos[REG_B]))
        return decode(r, v);
    h = decode(r, v & 0x7F);
    return (h == 12 ? 0 : h) + (v & 0x80 ? 12 : 0);
}

static uint8_t encode_hours(const struct rtc *r, unsigned h)
{
    if (rtc_b_h24(r->cmos[REG_B]))
        return encode(r, h);
    return encode(r, h % 12 ? h % 12 : 12) | (h >= 12 ? 0x80 : 0);
}

/* ---- The calendar ---- */

static unsigned days_in_month(unsigned month, unsigned year)
{
    static const uint8_t days[13] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (month == 2 && year % 4 == 0) /* "Time, Calendar and Alarm Locations": leap years by two digits */
        return 29;
    return month >= 1 && month <= 12 ? days[month] : 31;
}

static void next_year(struct rtc *r)
{
    unsigned year = decode(r, r->cmos[YEAR]) + 1;

    if (year > 99) {
        year = 0;
        r->cmos[CENTURY] = encode(r, (decode(r, r->cmos[CENTURY]) + 1) % 100);
    }
    r->cmos[YEAR] = encode(r, year);
}

static void next_day(struct rtc *r)
{
    unsigned day = decode(r, r->cmos[DAY]) + 1, month = decode(r, r->cmos[MONTH]);
    unsigned weekday = decode(r, r->cmos[DAY_OF_WEEK]) + 1;

    r->cmos[DAY_OF_WEEK] = encode(r, weekday > 7 ? 1 : weekday);
    if (day <= days_in_month(month, decode(r, r->cmos[YEAR]))) {
        r->cmos[DAY] = encode(r, day);
        return;
    }
    r->cmos[DAY] = encode(r, 1);
    if (++month > 12) {
        month = 1;
        next_year(r);
    }
    r->cmos[MONTH] = encode(r, month);
}

/* Adds `n` to a counter that starts again at 0 after `last`; the carry. A value past `last` rolls over at once. */
static uint64_t carry(unsigned *counter, unsigned last, uint64_t n)
{
    uint64_t sum;

    if (n == 0)
        return 0;
    if (*counter > last)
        *counter = last;
    sum = *counter + n;
    *counter = (unsigned)(sum % (last + 1));
    return sum / (last + 1);
}

/* `seconds` updates at once. */
static void advance(struct rtc *r, uint64_t seconds)
{
    unsigned s = decode(r, r->cmos[SECONDS]), m = decode(r, r->cmos[MINUTES]), h = decode_hours(r, r->cmos[HOURS]);
    uint64_t minutes = carry(&s, 59, seconds);
    uint64_t hours = carry(&m, 59, minutes);
    uint64_t days = carry(&h, 23, hours);

    r->cmos[SECONDS] = encode(r, s);
    if (minutes)
        r->cmos[MINUTES] = encode(r, m);
    if (hours)
        r->cmos[HOURS] = encode_hours(r, h);
    for (days = at_most(days, DAYS_MAX); days; days--)
        next_day(r);
}

/* "Alarm": a byte with both top bits set is "don't care". */
static bool alarm_byte(const struct rtc *r, unsigned alarm, unsigned value)
{
    uint8_t v = r->cmos[alarm];

    if ((v & 0xC0) == 0xC0)
        return true;
    return (alarm == HOURS_ALARM ? decode_hours(r, v) : decode(r, v)) == value;
}

#define DAY_SECONDS 86400u

/* After how many updates (1..86400) the alarm comes next; 0: never. */
static uint32_t updates_to_alarm(const struct rtc *r)
{
    unsigned s = decode(r, r->cmos[SECONDS]), m = decode(r, r->cmos[MINUTES]), h = decode_hours(r, r->cmos[HOURS]);
    uint32_t now = (h % 24 * 60 + m % 60) * 60 + s % 60;
    uint32_t n = 1;

    while (n <= DAY_SECONDS) {
        uint32_t t = (now + n) % DAY_SECONDS;

        if (!alarm_byte(r, HOURS_ALARM, t / 3600))
            n += 3600 - t % 3600;
        else if (!alarm_byte(r, MINUTES_ALARM, t / 60 % 60))
            n += 60 - t % 60;
        else if (!alarm_byte(r, SECONDS_ALARM, t % 60))
            n++;
        else
            return n;
    }
    return 0;
}

/* Sets the calendar to a day and time since 1970 (a Thursday). */
static void set_calendar(struct rtc *r, uint64_t seconds)
{
    uint64_t days = seconds / DAY_SECONDS;
    unsigned year = 1970, month = 1, rest = (unsigned)(seconds % DAY_SECONDS);

    r->cmos[SECONDS] = encode(r, rest % 60);
    r->cmos[MINUTES] = encode(r, rest / 60 % 60);
    r->cmos[HOURS] = encode_hours(r, rest / 3600);
    r->cmos[DAY_OF_WEEK] = encode(r, (unsigned)((days + 4) % 7) + 1);
    for (;; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        unsigned length = leap ? 366 : 365;

        if (days < length) {
            unsigned february = leap ? 29 : 28;

            for (; days >= (month == 2 ? february : days_in_month(month, 1)); month++)
                days -= month == 2 ? february : days_in_month(month, 1);
            break;
        }
        days -= length;
    }
    r->cmos[DAY] = encode(r, (unsigned)days + 1);
    r->cmos[MONTH] = encode(r, month);
    r->cmos[YEAR] = encode(r, year % 100);
    r->cmos[CENTURY] = encode(r, year / 100);
}

/* ---- Time ---- */

static uint64_t tick_now(const struct rtc *r)
{
    return sim_ticks_at(sim_clock_of(&r->dev), RTC_HZ, sim_now(&r->dev));
}

static bool divider_runs(const struct rtc *r)
{
    return rtc_a_dv(r->cmos[REG_A]) == DV_NORMAL;
}

/* Ticks of the periodic interrupt, 0 for none. "Periodic Interrupt Rate and Square Wave Output Frequency". */
static uint32_t period(const struct rtc *r)
{
    unsigned rs = (unsigned)rtc_a_rs(r->cmos[REG_A]);

    if (rs == 0)
        return 0;
    return 1u << (rs <= 2 ? rs + 6 : rs - 1);
}

/* How many multiples of `ticks` since the origin lie in (from, to]. */
static uint64_t passed(const struct rtc *r, uint64_t from, uint64_t to, uint32_t ticks)
{
    return (to - r->origin) / ticks - (from - r->origin) / ticks;
}

/* Brings registers and flags to tick `now`. */
static void run_to(struct rtc *r, uint64_t now)
{
    uint64_t from = r->tick, seconds;
    uint32_t alarm;

    if (now <= from)
        return;
    r->tick = now;
    if (!divider_runs(r))
        return;
    if (period(r) && passed(r, from, now, period(r)))
        r->cmos[REG_C] |= FLAG_PF;
    seconds = passed(r, from, now, RTC_HZ);
    if (seconds == 0 || rtc_b_set(r->cmos[REG_B]))
        return;
    alarm = updates_to_alarm(r);
    if (alarm && seconds >= alarm)
        r->cmos[REG_C] |= FLAG_AF;
    r->cmos[REG_C] |= FLAG_UF;
    advance(r, seconds);
}

static bool updating(const struct rtc *r)
{
    uint64_t in_second = (r->tick - r->origin) % RTC_HZ;

    return divider_runs(r) && !rtc_b_set(r->cmos[REG_B]) && in_second >= RTC_HZ - UPDATE_TICKS;
}

/* Ticks to the next multiple of `ticks` since the origin. */
static uint64_t until(const struct rtc *r, uint64_t ticks)
{
    return ticks - (r->tick - r->origin) % ticks;
}

/* The tick at which an enabled flag that is clear will be set, or SIM_NEVER. */
static uint64_t next_interrupt(const struct rtc *r)
{
    uint8_t b = r->cmos[REG_B], c = r->cmos[REG_C];
    uint64_t wait = SIM_NEVER;

    if (!divider_runs(r))
        return SIM_NEVER;
    if (rtc_b_pie(b) && !rtc_c_pf(c) && period(r))
        wait = until(r, period(r));
    if (!rtc_b_set(b) && rtc_b_uie(b) && !rtc_c_uf(c) && until(r, RTC_HZ) < wait)
        wait = until(r, RTC_HZ);
    if (!rtc_b_set(b) && rtc_b_aie(b) && !rtc_c_af(c)) {
        uint64_t alarm = updates_to_alarm(r);

        if (alarm && until(r, RTC_HZ) + (alarm - 1) * RTC_HZ < wait)
            wait = until(r, RTC_HZ) + (alarm - 1) * RTC_HZ;
    }
    return wait == SIM_NEVER ? SIM_NEVER : r->tick + wait;
}

/* "Register C": IRQF is PF&PIE | AF&AIE | UF&UIE. */
static void update(struct rtc *r)
{
    uint64_t next = next_interrupt(r);
    bool irqf = r->cmos[REG_B] & r->cmos[REG_C] & FLAGS;

    sim_wire_set(&r->irq8, irqf);
    sim_event_at(&r->due, next == SIM_NEVER ? SIM_NEVER : sim_cycle_of(sim_clock_of(&r->dev), RTC_HZ, next));
}

static void rtc_due(struct sim_device *dev)
{
    run_to(rtc_of(dev), tick_now(rtc_of(dev)));
    update(rtc_of(dev));
}

/* ---- Registers ---- */

/* "Register A": releasing the divider begins a second whose update comes half a second later. */
static void write_a(struct rtc *r, uint8_t value)
{
    bool ran = divider_runs(r);

    r->cmos[REG_A] = value & 0x7F;
    if (!ran && divider_runs(r))
        r->origin = r->tick - RTC_HZ / 2;
    if (!divider_runs(r) && rtc_a_dv(value) < 6)
        sim_device_unmodelled(&r->dev, "time base", "DV %u: the clock stands still", (unsigned)rtc_a_dv(value));
}

static void write_b(struct rtc *r, uint8_t value)
{
    if (rtc_b_set(value))
        value &= ~FLAG_UF; /* "SET": clears UIE */
    if (rtc_b_dse(value))
        sim_device_unmodelled(&r->dev, "daylight saving", "DSE has no effect");
    r->cmos[REG_B] = value;
}

static uint8_t read_byte(const struct rtc *r, uint8_t where)
{
    switch (where) {
    case REG_A:
        return r->cmos[REG_A] | (updating(r) ? 0x80 : 0);
    case REG_C:
        return r->cmos[REG_C] | (r->cmos[REG_B] & r->cmos[REG_C] & FLAGS ? 0x80 : 0);
    case REG_D:
        return VRT;
    }
    return r->cmos[where];
}

static void write_byte(struct rtc *r, uint8_t where, uint8_t value)
{
    switch (where) {
    case REG_A:
        write_a(r, value);
        return;
    case REG_B:
        write_b(r, value);
        return;
    case REG_C:
    case REG_D:
        return;
    }
    r->cmos[where] = value;
}

static uint8_t selected(const struct rtc *r, uint64_t off)
{
    return off == 3 ? BANK + (r->index[1] & 0x7F) : r->index[0] & 0x7F;
}

static uint64_t rtc_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct rtc *r = rtc_of(dev);
    uint8_t value, where = selected(r, off);

    if (off == 0 || off == 2)
        return 0xFF; /* the index is write-only */
    run_to(r, tick_now(r));
    value = read_byte(r, where);
    if (where == REG_C)
        r->cmos[REG_C] = 0;
    update(r);
    return value;
}

static void rtc_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct rtc *r = rtc_of(dev);

    if (off == 0)
        r->nmi_masked = value & 0x80;
    if (off == 0 || off == 2) {
        r->index[off / 2] = value & 0x7F;
        return;
    }
    run_to(r, tick_now(r));
    write_byte(r, selected(r, off), (uint8_t)value);
    update(r);
}

static uint64_t rtc_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct rtc copy = *rtc_of(dev);

    if (off == 0 || off == 2)
        return 0xFF;
    run_to(&copy, tick_now(&copy));
    return read_byte(&copy, selected(&copy, off));
}

static const struct sim_range_ops rtc_ops = { .read = rtc_read, .write = rtc_write, .peek = rtc_peek, .max_size = 1 };

/* ---- What firmware reads ---- */

static void put16(struct rtc *r, unsigned low, unsigned high, uint64_t value)
{
    r->cmos[low] = (uint8_t)value;
    r->cmos[high] = (uint8_t)(value >> 8);
}

static void preset_memory(struct rtc *r)
{
    const uint64_t kib = 1 << 10, mib = 1 << 20, unit = 64 * kib;
    uint64_t low = at_most(r->ram_bytes, I440FX_LOW_RAM_LIMIT), high = r->ram_bytes - low;
    uint64_t extended = low > mib ? at_most((low - mib) / kib, 65535) : 0;

    put16(r, 0x15, 0x16, 640);
    put16(r, 0x17, 0x18, extended);
    put16(r, 0x30, 0x31, extended);
    put16(r, 0x34, 0x35, low > 16 * mib ? at_most((low - 16 * mib) / unit, 65535) : 0);
    put16(r, 0x5B, 0x5C, high / unit);
    r->cmos[0x5D] = (uint8_t)(high / unit >> 16);
}

/* Byte 14h: drives in bits 7:6, PS/2 mouse, coprocessor, floppy there. */
static uint8_t equipment(const struct rtc *r)
{
    unsigned drives = (r->floppy_types & 0xF0 ? 1 : 0) + (r->floppy_types & 0x0F ? 1 : 0);

    return (uint8_t)((drives ? (drives - 1) << 6 | 1 : 0) | 0x06);
}

static void preset(struct rtc *r)
{
    uint16_t sum = 0;

    preset_memory(r);
    r->cmos[0x10] = (uint8_t)r->floppy_types;
    r->cmos[0x12] = (r->disks & 1 ? 0xF0 : 0) | (r->disks & 2 ? 0x0F : 0);
    r->cmos[0x14] = equipment(r);
    r->cmos[0x19] = r->disks & 1 ? 47 : 0;
    r->cmos[0x1A] = r->disks & 2 ? 47 : 0;
    r->cmos[0x38] = (uint8_t)(r->boot_order >> 8 << 4 | r->no_floppy_check);
    r->cmos[0x39] = (uint8_t)r->disk_translation;
    r->cmos[0x3D] = (uint8_t)r->boot_order;
    r->cmos[0x5F] = (uint8_t)(r->cpus - 1);
    for (unsigned i = 0x10; i < 0x2E; i++)
        sum += r->cmos[i];
    put16(r, 0x2F, 0x2E, sum);
}

/* ---- The device ---- */

static enum sim_err rtc_realize(struct sim_device *dev)
{
    struct rtc *r = rtc_of(dev);
    enum sim_err err;

    sim_device_event(dev, &r->due, 0, rtc_due);
    if ((err = sim_wire_drive(dev, &r->irq8, "isa.irq8")))
        return err;
    return sim_map_io(dev, &r->range, "rtc", 0x70, 4, &rtc_ops, SIM_SPEED_ISA, 0);
}

static void power_on(struct rtc *r)
{
    memset(r->cmos, 0, sizeof(r->cmos));
    r->cmos[REG_A] = 0x26; /* 32.768 kHz, 1024 Hz */
    r->cmos[REG_B] = 0x02; /* BCD, 24 hours */
    r->cmos[REG_D] = VRT;
    r->tick = r->origin = tick_now(r);
    set_calendar(r, r->date);
    preset(r);
}

/* "RESET": clears PIE, AIE, UIE, SQWE and the flags; time and memory are kept. */
static void rtc_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct rtc *r = rtc_of(dev);

    if (kind == SIM_RESET_POWER)
        power_on(r);
    run_to(r, tick_now(r));
    r->cmos[REG_B] &= ~0x78;
    r->cmos[REG_C] = 0;
    r->index[0] = r->index[1] = 0;
    r->nmi_masked = false;
    update(r);
}

static void rtc_describe(struct sim_device *dev, struct sim_buf *out)
{
    struct rtc now = *rtc_of(dev);

    run_to(&now, tick_now(&now));
    sim_buf_printf(out, "%02u%02u-%02u-%02u %02u:%02u:%02u\n", decode(&now, now.cmos[CENTURY]),
                   decode(&now, now.cmos[YEAR]), decode(&now, now.cmos[MONTH]), decode(&now, now.cmos[DAY]),
                   decode_hours(&now, now.cmos[HOURS]), decode(&now, now.cmos[MINUTES]),
                   decode(&now, now.cmos[SECONDS]));
    sim_fields_format(registers, &now, "", out);
}

const struct sim_device_class rtc_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "mc146818",
    .title = "Real-time clock and CMOS memory",
    .version = 1,
    .instance_size = sizeof(struct rtc),
    .fields = rtc_fields,
    .properties = rtc_properties,
    .realize = rtc_realize,
    .reset = rtc_reset,
    .describe = rtc_describe,
};
