#include "devices/piix.h"

#include "bus/pci.h"

#include <string.h>

/* A configuration register that is not 0 after reset, or can be written. */
struct config_byte {
    uint8_t off, initial, writable;
};

static void config_masks(struct sim_pci_function *f, const struct config_byte *row, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        f->writable[row[i].off] = row[i].writable;
}

static void config_reset(struct sim_pci_function *f, const struct config_byte *row, size_t rows)
{
    sim_pci_reset(f);
    for (size_t i = 0; i < rows; i++)
        f->config[row[i].off] = row[i].initial;
}

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* ---- PIIX3: the ISA bridge ---- */

#define PIIX_DEVFN(function) (1 << 3 | (function))
#define NO_INTERRUPT 16

/* "PIRQRC[A:D]: PIRQx Route Control Registers". */
#define PIIX_PIRQRC(X, p)                                    \
    X(p, off, 7, 7, "1: not routed")                         \
    X(p, irq, 3, 0, "ISA interrupt; 0, 1, 2, 8, 13 reserved")
SIM_BITS_DEFINE(piix_pirqrc, PIIX_PIRQRC)

enum { PIRQRC = 0x60, APICBASE = 0x80 };

static const struct config_byte bridge_config[] = {
    { 0x04, 0x07, 0x08 }, { 0x05, 0x00, 0x01 },     /* PCICMD: I/O, memory and master always on */
    { 0x06, 0x80, 0 },    { 0x07, 0x02, 0 },        /* PCISTS */
    { 0x0C, 0, 0 },       { 0x0D, 0, 0 },   { 0x3C, 0, 0 },
    { 0x4C, 0x4D, 0x7F },                           /* IORT */
    { 0x4E, 0x03, 0xFF }, { 0x4F, 0, 0x01 },        /* XBCS */
    { PIRQRC, 0x80, 0x8F },     { PIRQRC + 1, 0x80, 0x8F },
    { PIRQRC + 2, 0x80, 0x8F }, { PIRQRC + 3, 0x80, 0x8F },
    { 0x69, 0x02, 0xFE },                           /* TOM */
    { 0x6A, 0, 0x96 },    { 0x6B, 0, 0x80 },        /* MSTAT */
    { 0x70, 0x80, 0xEF },                           /* MBIRQ0 */
    { 0x76, 0x0C, 0x8F }, { 0x77, 0x0C, 0x8F },     /* MBDMA */
    { 0x78, 0x02, 0xFF }, { 0x79, 0, 0xFF },        /* PCSC */
    { APICBASE, 0, 0x7F },
    { 0x82, 0, 0x0F },                              /* DLC */
    { 0xA0, 0x08, 0x1F },                           /* SMICNTL */
    { 0xA2, 0, 0xFF },    { 0xA3, 0, 0x01 },        /* SMIEN */
    { 0xA4, 0, 0xFF },    { 0xA5, 0, 0xFF }, { 0xA6, 0, 0 }, { 0xA7, 0, 0xE0 }, /* SEE */
    { 0xA8, 0x0F, 0xFF },                           /* FTMR */
    { 0xAC, 0, 0xFF },    { 0xAE, 0, 0xFF },        /* CTLTMR, CTHTMR */
};

struct piix3 {
    struct sim_device dev;
    struct sim_pci_function pci;
    bool ferr, ignne;
    struct sim_wire_driver irq13, ignne_wire;
    struct sim_range coprocessor;
};

static const struct sim_field piix3_fields[] = {
    SIM_FIELD_STRUCT(struct piix3, pci, sim_pci_function_fields, "configuration space"),
    SIM_FIELD(struct piix3, ferr, "level of FERR#, 1 active"),
    SIM_FIELD(struct piix3, ignne, "level of IGNNE#, 1 active"),
    SIM_FIELD_DERIVED(struct piix3, irq13, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct piix3, ignne_wire, "likewise"),
    SIM_FIELD_DERIVED(struct piix3, coprocessor, "port F0h"),
    SIM_FIELD_END
};

static struct piix3 *piix3_of(struct sim_device *dev)
{
    return (struct piix3 *)dev;
}

static unsigned route(struct sim_device *dev, unsigned pirq)
{
    uint8_t value = piix3_of(dev)->pci.config[PIRQRC + pirq];
    unsigned irq = (unsigned)piix_pirqrc_irq(value);
    const unsigned reserved = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 8 | 1u << 13;

    return piix_pirqrc_off(value) || (reserved & 1u << irq) ? NO_INTERRUPT : irq;
}

static void bridge_config_written(struct sim_device *dev, uint8_t off, uint8_t len)
{
    if (off < PIRQRC + 4 && off + len > PIRQRC)
        sim_pci_reroute(dev);
    if (piix3_of(dev)->pci.config[APICBASE])
        sim_device_unmodelled(dev, "APICBASE", "the I/O APIC stays at FEC00000h");
}

/* "Coprocessor Error": IRQ13 follows FERR# until port F0h is written, which gives IGNNE# until FERR# is gone. */
static void coprocessor_update(struct piix3 *p)
{
    p->ignne &= p->ferr;
    sim_wire_set(&p->irq13, p->ferr && !p->ignne);
    sim_wire_set(&p->ignne_wire, p->ignne);
}

static void ferr_changed(struct sim_device *dev, unsigned pin, bool level)
{
    piix3_of(dev)->ferr = level;
    coprocessor_update(piix3_of(dev));
}

static uint64_t coprocessor_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return UINT64_MAX;
}

static void coprocessor_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    piix3_of(dev)->ignne = true;
    coprocessor_update(piix3_of(dev));
}

static const struct sim_range_ops coprocessor_ops = {
    .read = coprocessor_read, .write = coprocessor_write, .peek = coprocessor_read, .max_size = 1
};

static enum sim_err piix3_realize(struct sim_device *dev)
{
    struct piix3 *p = piix3_of(dev);
    enum sim_err err;

    sim_pci_header(&p->pci, 0x8086, 0x7000, 0x060100, 0, 0);
    p->pci.config[0x0E] = 0x80; /* more functions follow */
    p->pci.config_written = bridge_config_written;
    config_masks(&p->pci, bridge_config, ROWS(bridge_config));
    p->pci.clear_on_1[0x07] = 0x78;
    if ((err = sim_pci_add(dev, &p->pci, PIIX_DEVFN(0))) ||
        (err = sim_pci_set_router(dev, route)) ||
        (err = sim_wire_listen(dev, "ferr", 0, ferr_changed)) ||
        (err = sim_wire_drive(dev, &p->irq13, "isa.irq13")) ||
        (err = sim_wire_drive(dev, &p->ignne_wire, "ignne")))
        return err;
    return sim_map_io(dev, &p->coprocessor, "coprocessor error", 0xF0, 1, &coprocessor_ops, SIM_SPEED_ISA, 0);
}

static void piix3_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct piix3 *p = piix3_of(dev);

    config_reset(&p->pci, bridge_config, ROWS(bridge_config));
    sim_pci_reroute(dev);
    p->ignne = false;
    coprocessor_update(p);
}

static void piix3_loaded(struct sim_device *dev)
{
    sim_pci_loaded(&piix3_of(dev)->pci);
}

const struct sim_device_class piix3_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "piix3",
    .title = "PCI to ISA bridge",
    .version = 1,
    .instance_size = sizeof(struct piix3),
    .fields = piix3_fields,
    .realize = piix3_realize,
    .reset = piix3_reset,
    .loaded = piix3_loaded,
};

/* ---- PIIX4: power management ---- */

/* "PMSTS: Power Management Status Register" and "PMEN: Power Management Resume Enable Register". */
#define PIIX_PM1(X, p)                                       \
    X(p, rsm,    15, 15, "resume (status only)")             \
    X(p, rtc,    10, 10, "real-time clock alarm")            \
    X(p, pwrbtn, 8, 8,   "power button")                     \
    X(p, gbl,    5, 5,   "the other side releases the global lock") \
    X(p, bm,     4, 4,   "a bus master asked (status only)") \
    X(p, tmrof,  0, 0,   "bit 23 of the PM timer has changed")
SIM_BITS_DEFINE(piix_pm1, PIIX_PM1)

/* "PMCNTRL: Power Management Control Register". */
#define PIIX_PMCNTRL(X, p)                                   \
    X(p, sus_en,  13, 13, "writing 1 enters the state of SUS_TYP")    \
    X(p, sus_typ, 12, 10, "0 soft off, 1 to RAM, 2..4 powered on, 5 working") \
    X(p, gbl_rls, 2, 2,   "release the global lock")         \
    X(p, brld_en, 1, 1,   "bus masters wake from C3")        \
    X(p, sci_en,  0, 0,   "events make SCI, not SMI")
SIM_BITS_DEFINE(piix_pmcntrl, PIIX_PMCNTRL)

/* "GLBSTS: Global Status Register". Bits 7, 6 and 4 only show what stands elsewhere. */
#define PIIX_GLBSTS(X, p)                                    \
    X(p, irq_rsm, 11, 11, "resume by an interrupt")          \
    X(p, extsmi,  10, 10, "EXTSMI#")                         \
    X(p, gstby,   8, 8,   "global standby timer")            \
    X(p, gp,      7, 7,   "a general-purpose event")         \
    X(p, pm1,     6, 6,   "a PM1 event")                     \
    X(p, apm,     5, 5,   "APMC was written")                \
    X(p, dev,     4, 4,   "a device monitor")                \
    X(p, bios,    0, 0,   "GBL_RLS was written")
SIM_BITS_DEFINE(piix_glbsts, PIIX_GLBSTS)

/* "GLBEN: Global Enable Register". */
#define PIIX_GLBEN(X, p)                                     \
    X(p, bios, 1, 1, "GBL_RLS makes SMI")
SIM_BITS_DEFINE(piix_glben, PIIX_GLBEN)

/* "GLBCTL: Global Control Register". */
#define PIIX_GLBCTL(X, p)                                    \
    X(p, eos,      16, 16, "end of SMI: cleared by each")    \
    X(p, bios_rls, 1, 1,   "sets GBL_STS; until that is cleared") \
    X(p, smi_en,   0, 0,   "SMI# is driven")
SIM_BITS_DEFINE(piix_glbctl, PIIX_GLBCTL)

/* "SMBHSTSTS: SMBus Host Status Register". */
#define PIIX_SMBHSTSTS(X, p)                                 \
    X(p, failed,  4, 4, "killed")                            \
    X(p, bus_err, 3, 3, "collision")                         \
    X(p, dev_err, 2, 2, "no device answered, or it timed out") \
    X(p, intr,    1, 1, "done")                              \
    X(p, busy,    0, 0, "at work")
SIM_BITS_DEFINE(piix_smbhststs, PIIX_SMBHSTSTS)

enum {
    PM1_TMROF = 1 << 0, PM1_GBL = 1 << 5, PM1_PWRBTN = 1 << 8, PM1_RTC = 1 << 10, PM1_RSM = 1 << 15,
    PM1_ENABLES = PM1_TMROF | PM1_GBL | PM1_PWRBTN | PM1_RTC
};
enum { SUS_SOFT_OFF = 0, SUS_WORKING = 5 };

/* Offsets from PMBA. */
enum {
    PMSTS = 0x00, PMEN = 0x02, PMCNTRL = 0x04, PMTMR = 0x08, GPSTS = 0x0C, GPEN = 0x0E, GLBSTS = 0x18, GLBEN = 0x20, GLBCTL = 0x28,
    PM_LENGTH = 0x40
};
enum { GLBSTS_APM = 1 << 5, GLBSTS_BIOS = 1 << 0, GLBSTS_CLEARED = 0x0D27, GLBEN_WRITABLE = 0x8D1F };
#define GLBCTL_WRITABLE 0x0701FF07u
#define GLBCTL_EOS (1u << 16)
#define GLBCTL_BIOS_RLS (1u << 1)
/* Offsets from SMBBA. */
enum { SMBHSTSTS = 0x00, SMBHSTCNT = 0x02, SMB_LENGTH = 0x10 };
/* Configuration registers. */
enum { PMBA = 0x40, DEVACTB = 0x58, PMREGMISC = 0x80, SMBBA = 0x90, SMBHSTCFG = 0xD2 };

#define PM_TIMER_BITS 24
#define DEVACTB_APMC_EN_BYTE 0x02 /* bit 25 */
#define QEMU_GPE_BASE 0xAFE0
#define QEMU_HOTPLUG_BASE 0xAE00
#define ACPI_ENABLE 0xF1
#define ACPI_DISABLE 0xF0

static const struct config_byte pm_config[] = {
    { 0x04, 0, 0x01 },    { 0x05, 0, 0 },
    { 0x06, 0x80, 0 },    { 0x07, 0x02, 0 },
    { 0x0C, 0, 0 },       { 0x0D, 0, 0 },
    { PMBA, 0x01, 0xC0 }, { PMBA + 1, 0, 0xFF },
    { 0x44, 0, 0xFF },    { 0x45, 0, 0xFF }, { 0x46, 0, 0xFF }, { 0x47, 0, 0x3F }, /* CNTA */
    { 0x48, 0, 0xFF },    { 0x49, 0, 0xFF }, { 0x4A, 0, 0xFF }, { 0x4B, 0, 0xFF }, /* CNTB */
    { 0x4C, 0, 0xFF },    { 0x4D, 0, 0xFF }, { 0x4E, 0, 0xFF }, { 0x4F, 0, 0xFF }, /* GPICTL */
    { 0x50, 0, 0xFF },    { 0x51, 0, 0xFF }, { 0x52, 0, 0xFF },                    /* DEVRESD */
    { 0x54, 0, 0xFF },    { 0x55, 0, 0xFF }, { 0x56, 0, 0xFF }, { 0x57, 0, 0xFF }, /* DEVACTA */
    { DEVACTB, 0, 0xFF }, { DEVACTB + 1, 0, 0xFF }, { DEVACTB + 2, 0, 0xFF },
    { DEVACTB + 3, 0, 0x03 },
    { 0x5C, 0, 0xFF },    { 0x5D, 0, 0xFF }, { 0x5E, 0, 0xFF }, { 0x5F, 0x90, 0xFF }, /* DEVRESA: parallel port */
    { 0x60, 0, 0xFF },    { 0x61, 0, 0xFF }, { 0x62, 0, 0xFF }, { 0x63, 0x60, 0xFF }, /* DEVRESB */
    { 0x64, 0, 0xFF },    { 0x65, 0, 0xFF }, { 0x66, 0, 0xFF }, { 0x67, 0x98, 0xFF }, /* DEVRESC: COM1, COM2 */
    { 0x68, 0, 0xFF },    { 0x69, 0, 0xFF }, { 0x6A, 0, 0xFF },                    /* DEVRESE */
    { 0x6C, 0, 0xFF },    { 0x6D, 0, 0xFF }, { 0x6E, 0, 0xFF }, { 0x6F, 0, 0xFF }, /* DEVRESF */
    { 0x70, 0, 0xFF },    { 0x71, 0, 0xFF }, { 0x72, 0, 0xFF },                    /* DEVRESG */
    { 0x74, 0, 0xFF },    { 0x75, 0, 0xFF }, { 0x76, 0, 0xFF }, { 0x77, 0, 0xFF }, /* DEVRESH */
    { 0x78, 0, 0xFF },    { 0x79, 0, 0xFF }, { 0x7A, 0, 0xFF }, { 0x7B, 0, 0xFF }, /* DEVRESI */
    { 0x7C, 0, 0xFF },    { 0x7D, 0, 0xFF }, { 0x7E, 0, 0xFF }, { 0x7F, 0, 0xFF }, /* DEVRESJ */
    { PMREGMISC, 0, 0x01 },
    { SMBBA, 0x01, 0xF0 }, { SMBBA + 1, 0, 0xFF },
    { SMBHSTCFG, 0, 0x0F }, { 0xD3, 0, 0xFF }, { 0xD4, 0, 0xFF }, { 0xD5, 0, 0xFF },
};

struct piix4_pm {
    struct sim_device dev;
    struct sim_pci_function pci;
    uint16_t pmsts, pmen, pmcntrl;
    uint64_t tmrof_seen;
    uint16_t glbsts, glben;
    uint32_t glbctl;
    bool smi_event;
    uint8_t other[PM_LENGTH];
    uint8_t gpe[4];
    uint8_t smb[SMB_LENGTH];
    uint8_t apmc, apms;
    struct sim_event tmrof;
    struct sim_wire_driver sci, smi;
    struct sim_range pm_range, smb_range, apm_range, gpe_range, hotplug_range;
};

static const struct sim_field piix4_pm_fields[] = {
    SIM_FIELD_STRUCT(struct piix4_pm, pci, sim_pci_function_fields, "configuration space"),
    SIM_FIELD_BITS(struct piix4_pm, pmsts, piix_pm1_bits, "power management status, but for bit 0"),
    SIM_FIELD_BITS(struct piix4_pm, pmen, piix_pm1_bits, "which of them make SCI"),
    SIM_FIELD_BITS(struct piix4_pm, pmcntrl, piix_pmcntrl_bits, "power management control"),
    SIM_FIELD(struct piix4_pm, tmrof_seen, "changes of the timer's bit 23 that were cleared; later ones are status bit 0"),
    SIM_FIELD_BITS(struct piix4_pm, glbsts, piix_glbsts_bits, "global status, but for bits 7, 6 and 4"),
    SIM_FIELD_BITS(struct piix4_pm, glben, piix_glben_bits, "global enable"),
    SIM_FIELD_BITS(struct piix4_pm, glbctl, piix_glbctl_bits, "global control"),
    SIM_FIELD(struct piix4_pm, smi_event, "an enabled PM1 event is there, and SCI_EN is clear"),
    SIM_FIELD_BYTES(struct piix4_pm, other, "registers at PMBA that only keep what is written"),
    SIM_FIELD_ARRAY(struct piix4_pm, gpe, "general-purpose events at AFE0h: status, enable"),
    SIM_FIELD_BYTES(struct piix4_pm, smb, "SMBus host registers"),
    SIM_FIELD(struct piix4_pm, apmc, "power management control port B2h"),
    SIM_FIELD(struct piix4_pm, apms, "power management status port B3h"),
    SIM_FIELD_EVENT(struct piix4_pm, tmrof, "next change of the timer's bit 23, while enabled"),
    SIM_FIELD_DERIVED(struct piix4_pm, sci, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct piix4_pm, smi, "wire, always low"),
    SIM_FIELD_DERIVED(struct piix4_pm, pm_range, "follows PMBA and PMREGMISC"),
    SIM_FIELD_DERIVED(struct piix4_pm, smb_range, "follows SMBBA and SMBHSTCFG"),
    SIM_FIELD_DERIVED(struct piix4_pm, apm_range, "ports B2h-B3h"),
    SIM_FIELD_DERIVED(struct piix4_pm, gpe_range, "ports AFE0h-AFE3h"),
    SIM_FIELD_DERIVED(struct piix4_pm, hotplug_range, "ports AE00h-AE0Fh"),
    SIM_FIELD_END
};

static struct piix4_pm *pm_of(struct sim_device *dev)
{
    return (struct piix4_pm *)dev;
}

/* ---- The PM timer ---- */

static uint64_t timer_ticks(const struct piix4_pm *pm)
{
    return sim_ticks_at(sim_clock_of(&pm->dev), PIIX_PM_TIMER_HZ, sim_now(&pm->dev));
}

/* How often bit 23 has changed since power-on. */
static uint64_t timer_changes(const struct piix4_pm *pm)
{
    return timer_ticks(pm) >> (PM_TIMER_BITS - 1);
}

static uint16_t status(const struct piix4_pm *pm)
{
    return pm->pmsts | (timer_changes(pm) > pm->tmrof_seen ? PM1_TMROF : 0);
}

static bool pm1_pending(const struct piix4_pm *pm)
{
    return status(pm) & pm->pmen & PM1_ENABLES;
}

static bool event_pending(const struct piix4_pm *pm)
{
    return pm1_pending(pm) || (pm->gpe[0] & pm->gpe[2]) || (pm->gpe[1] & pm->gpe[3]);
}

static void make_smi(struct piix4_pm *pm)
{
    if (!piix_glbctl_smi_en(pm->glbctl))
        return;
    pm->glbctl &= ~GLBCTL_EOS;
    sim_wire_pulse(&pm->smi);
}

/* "SCI": level, as long as an enabled event is there. Without SCI_EN a PM1 event makes an SMI when it comes up. */
static void update(struct piix4_pm *pm)
{
    uint64_t next = (timer_changes(pm) + 1) << (PM_TIMER_BITS - 1);
    bool wanted = piix_pm1_tmrof(pm->pmen) && !piix_pm1_tmrof(status(pm));

    sim_event_at(&pm->tmrof, wanted ? sim_cycle_of(sim_clock_of(&pm->dev), PIIX_PM_TIMER_HZ, next) : SIM_NEVER);
    sim_wire_set(&pm->sci, piix_pmcntrl_sci_en(pm->pmcntrl) && event_pending(pm));
    wanted = !piix_pmcntrl_sci_en(pm->pmcntrl) && pm1_pending(pm);
    if (wanted && !pm->smi_event)
        make_smi(pm);
    pm->smi_event = wanted;
}

static void tmrof_due(struct sim_device *dev)
{
    update(pm_of(dev));
}

/* ---- Registers at PMBA ---- */

static void suspend(struct piix4_pm *pm, unsigned type)
{
    if (type == SUS_SOFT_OFF)
        sim_request(&pm->dev, SIM_REQUEST_POWER_OFF, 0);
    else if (type != SUS_WORKING)
        sim_device_unmodelled(&pm->dev, "suspend", "suspend type %u is ignored, the machine goes on", type);
}

static void write_status(struct piix4_pm *pm, uint16_t value)
{
    pm->pmsts &= ~value;
    if (piix_pm1_gbl(value))
        pm->glbctl &= ~GLBCTL_BIOS_RLS;
    if (piix_pm1_tmrof(value))
        pm->tmrof_seen = timer_changes(pm);
}

static void write_control(struct piix4_pm *pm, uint16_t value)
{
    pm->pmcntrl = value & 0x1C03; /* GBL_RLS and SUS_EN read 0 */
    if (piix_pmcntrl_gbl_rls(value)) {
        pm->glbsts |= GLBSTS_BIOS;
        if (piix_glben_bios(pm->glben))
            make_smi(pm);
    }
    if (piix_pmcntrl_sus_en(value))
        suspend(pm, (unsigned)piix_pmcntrl_sus_typ(value));
}

static void write_global_control(struct piix4_pm *pm, uint32_t value)
{
    pm->glbctl = value & GLBCTL_WRITABLE;
    if (piix_glbctl_bios_rls(pm->glbctl))
        pm->pmsts |= PM1_GBL;
}

static uint16_t global_status(const struct piix4_pm *pm)
{
    return (uint16_t)(pm->glbsts | (status(pm) ? 1 << 6 : 0));
}

static uint16_t pm_word(const struct piix4_pm *pm, unsigned off)
{
    switch (off) {
    case PMSTS:
        return status(pm);
    case PMEN:
        return pm->pmen;
    case PMCNTRL:
        return pm->pmcntrl;
    case PMTMR:
        return (uint16_t)timer_ticks(pm);
    case PMTMR + 2:
        return timer_ticks(pm) >> 16 & 0xFF;
    case GLBSTS:
        return global_status(pm);
    case GLBEN:
        return pm->glben;
    case GLBCTL:
        return (uint16_t)pm->glbctl;
    case GLBCTL + 2:
        return (uint16_t)(pm->glbctl >> 16);
    }
    return (uint16_t)(pm->other[off] | pm->other[off + 1] << 8);
}

static void pm_word_write(struct piix4_pm *pm, unsigned off, uint16_t value)
{
    switch (off) {
    case PMSTS:
        write_status(pm, value);
        return;
    case PMEN:
        pm->pmen = value & PM1_ENABLES;
        return;
    case PMCNTRL:
        write_control(pm, value);
        return;
    case PMTMR:
    case PMTMR + 2:
    case GPSTS: /* no source: stays 0 */
        return;
    case GLBSTS:
        pm->glbsts &= ~(value & GLBSTS_CLEARED);
        return;
    case GLBEN:
        pm->glben = value & GLBEN_WRITABLE;
        return;
    case GLBCTL:
        write_global_control(pm, (pm->glbctl & 0xFFFF0000u) | value);
        return;
    case GLBCTL + 2:
        write_global_control(pm, (pm->glbctl & 0xFFFF) | (uint32_t)value << 16);
        return;
    }
    pm->other[off] = (uint8_t)value;
    pm->other[off + 1] = (uint8_t)(value >> 8);
}

static uint64_t pm_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        unsigned at = (unsigned)off + i;

        value |= (uint64_t)(pm_word(pm_of(dev), at & ~1u) >> (at & 1) * 8 & 0xFF) << i * 8;
    }
    return value;
}

/* Registers are words. A byte written leaves the other half of its word as it is, and clears nothing there. */
static void pm_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct piix4_pm *pm = pm_of(dev);

    for (unsigned word = off & ~1u; word < off + size; word += 2) {
        uint16_t v = word == PMSTS || word == GLBSTS ? 0 : pm_word(pm, word);

        if (word >= off)
            v = (uint16_t)sim_bits_set(v, 7, 0, value >> (word - off) * 8);
        if (word + 1 < off + size)
            v = (uint16_t)sim_bits_set(v, 15, 8, value >> (word + 1 - off) * 8);
        pm_word_write(pm, word, v);
    }
    update(pm);
}

/* ---- SMBus: an empty bus ---- */

static uint64_t smb_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return pm_of(dev)->smb[off];
}

static void smb_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct piix4_pm *pm = pm_of(dev);

    if (off == SMBHSTSTS) {
        pm->smb[SMBHSTSTS] &= ~value;
        return;
    }
    pm->smb[off] = (uint8_t)value;
    if (off == SMBHSTCNT && (value & 0x40)) { /* START */
        pm->smb[SMBHSTCNT] &= ~0x40;
        pm->smb[SMBHSTSTS] |= 0x04; /* DEV_ERR */
    }
}

/* ---- APMC, APMS ---- */

static uint64_t apm_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return off ? pm_of(dev)->apms : pm_of(dev)->apmc;
}

static void apm_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct piix4_pm *pm = pm_of(dev);

    if (off == 1) {
        pm->apms = (uint8_t)value;
        return;
    }
    pm->apmc = (uint8_t)value;
    if (value == ACPI_ENABLE)
        pm->pmcntrl |= 1;
    else if (value == ACPI_DISABLE)
        pm->pmcntrl &= ~1;
    if (pm->pci.config[DEVACTB + 3] & DEVACTB_APMC_EN_BYTE) {
        pm->glbsts |= GLBSTS_APM;
        make_smi(pm);
    }
    update(pm);
}

/* ---- What QEMU's tables expect ---- */

static uint64_t gpe_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return pm_of(dev)->gpe[off];
}

static void gpe_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct piix4_pm *pm = pm_of(dev);

    if (off < 2)
        pm->gpe[off] &= ~value;
    else
        pm->gpe[off] = (uint8_t)value;
    update(pm);
}

static uint64_t hotplug_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return 0;
}

static void hotplug_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
}

/* ---- The function ---- */

static const struct sim_range_ops pm_ops = { .read = pm_read, .write = pm_write, .peek = pm_read, .max_size = 4 };
static const struct sim_range_ops smb_ops = { .read = smb_read, .write = smb_write, .peek = smb_read, .max_size = 1 };
static const struct sim_range_ops apm_ops = { .read = apm_read, .write = apm_write, .peek = apm_read, .max_size = 1 };
static const struct sim_range_ops gpe_ops = { .read = gpe_read, .write = gpe_write, .peek = gpe_read, .max_size = 1 };
static const struct sim_range_ops hotplug_ops = {
    .read = hotplug_read, .write = hotplug_write, .peek = hotplug_read, .max_size = 4
};

/* Puts the two windows where the configuration registers say. SMBBA's is under SMB_HST_EN, PMBA's under PMIOSE. */
static void place_windows(struct piix4_pm *pm)
{
    const uint8_t *c = pm->pci.config;
    uint16_t pm_base = (uint16_t)((c[PMBA] & 0xC0) | c[PMBA + 1] << 8);
    uint16_t smb_base = (uint16_t)((c[SMBBA] & 0xF0) | c[SMBBA + 1] << 8);

    sim_range_enable(&pm->pm_range, false);
    sim_range_enable(&pm->smb_range, false);
    sim_range_move(&pm->pm_range, pm_base);
    sim_range_move(&pm->smb_range, smb_base);
    sim_range_enable(&pm->pm_range, c[PMREGMISC] & 1);
    sim_range_enable(&pm->smb_range, c[SMBHSTCFG] & 1);
}

static void pm_config_written(struct sim_device *dev, uint8_t off, uint8_t len)
{
    place_windows(pm_of(dev));
}

static enum sim_err piix4_pm_realize(struct sim_device *dev)
{
    struct piix4_pm *pm = pm_of(dev);
    enum sim_err err;

    sim_pci_header(&pm->pci, 0x8086, 0x7113, 0x068000, 3, 1);
    pm->pci.config_written = pm_config_written;
    config_masks(&pm->pci, pm_config, ROWS(pm_config));
    pm->pci.clear_on_1[0x07] = 0x08;
    sim_device_event(dev, &pm->tmrof, 0, tmrof_due);
    if ((err = sim_pci_add(dev, &pm->pci, PIIX_DEVFN(3))) ||
        (err = sim_wire_drive(dev, &pm->sci, "isa.irq9")) ||
        (err = sim_wire_drive(dev, &pm->smi, "smi")) ||
        (err = sim_accept_input(dev, "power-button")) ||
        (err = sim_map_io(dev, &pm->pm_range, "power management", 0, PM_LENGTH, &pm_ops, SIM_SPEED_PCI, 0)) ||
        (err = sim_map_io(dev, &pm->smb_range, "smbus", 0, SMB_LENGTH, &smb_ops, SIM_SPEED_PCI, 0)) ||
        (err = sim_map_io(dev, &pm->apm_range, "apm control", 0xB2, 2, &apm_ops, SIM_SPEED_ISA, 0)) ||
        (err = sim_map_io(dev, &pm->gpe_range, "general-purpose events", QEMU_GPE_BASE, 4, &gpe_ops, SIM_SPEED_PCI, 0)))
        return err;
    place_windows(pm);
    return sim_map_io(dev, &pm->hotplug_range, "hot-plug", QEMU_HOTPLUG_BASE, 16, &hotplug_ops, SIM_SPEED_PCI, 0);
}

static void piix4_pm_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct piix4_pm *pm = pm_of(dev);

    config_reset(&pm->pci, pm_config, ROWS(pm_config));
    place_windows(pm);
    pm->pmsts = pm->pmen = pm->pmcntrl = 0;
    pm->tmrof_seen = timer_changes(pm);
    pm->glbsts = pm->glben = 0;
    pm->glbctl = 0;
    pm->smi_event = false;
    memset(pm->other, 0, sizeof(pm->other));
    memset(pm->gpe, 0, sizeof(pm->gpe));
    memset(pm->smb, 0, sizeof(pm->smb));
    pm->apmc = pm->apms = 0;
    update(pm);
}

static void piix4_pm_loaded(struct sim_device *dev)
{
    sim_pci_loaded(&pm_of(dev)->pci);
    place_windows(pm_of(dev));
}

static void piix4_pm_input(struct sim_device *dev, const char *channel, const void *data, size_t len)
{
    pm_of(dev)->pmsts |= PM1_PWRBTN;
    update(pm_of(dev));
}

const struct sim_device_class piix4_pm_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "piix4-pm",
    .title = "Power management",
    .version = 1,
    .instance_size = sizeof(struct piix4_pm),
    .fields = piix4_pm_fields,
    .realize = piix4_pm_realize,
    .reset = piix4_pm_reset,
    .loaded = piix4_pm_loaded,
    .input = piix4_pm_input,
};
