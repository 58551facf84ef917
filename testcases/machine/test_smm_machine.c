/*
 * System-management mode in whole machines: a guest that uses it thousands of times (testcases/guests/smm.asm), looked at from inside
 * SMM; and SeaBIOS, which sets it up for itself and calls its 32-bit code by it.
 */
#include "testcases/machine/bench.h"

#include <unistd.h>

#define SEABIOS "/usr/share/seabios/bios-256k.bin"

static struct sim *guest(const char *timeline)
{
    char path[512];
    const char *options[] = { "image", guest_path(path, sizeof(path), "smm.bin"), "memory", "4", "timeline", timeline, "clock", "20M", NULL };

    return machine_from(options);
}

static bool in_smm(struct sim *sim) { return cpu_get(sim->cluster, 0)->smm.active; }

static void run(struct sim *sim, sim_steps steps)
{
    struct sim_stop stop;

    ck_assert_int_eq(sim_run_steps(sim, steps, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_STEPS, "%s: %s", sim_stop_word(stop.reason), stop.text);
}

/* On to a step within SMM, somewhere in the handler. */
static void run_into_smm(struct sim *sim, sim_steps more)
{
    run(sim, more);
    while (!in_smm(sim))
        run(sim, 7);
}

static void check_equal(struct sim *a, struct sim *b, const char *what)
{
    uint64_t da = sim_digest(a), db = sim_digest(b);

    if (da != db)
        print_difference(a, b);
    ck_assert_msg(da == db, "%s, at step %llu", what, (unsigned long long)a->step);
}

START_TEST(the_guest_is_content)
{
    struct sim *sim = guest("off");
    struct sim_stop stop;

    ck_assert_int_eq(sim_run_steps(sim, 5000000, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_EXIT && stop.code == 0, "%s, code %u", sim_stop_word(stop.reason), stop.code);
    ck_assert_uint_eq(cpu_get(sim->cluster, 0)->smm.base, 0xA0000);
    sim_destroy(sim);
}
END_TEST

/* The state of a machine in SMM is all there is to it. */
START_TEST(a_machine_in_smm_can_be_copied)
{
    struct sim *from = guest("off");
    uint64_t random = 99;

    run(from, 1000);
    for (unsigned n = 0; n < 20; n++) {
        struct sim *to = guest("off");
        struct sim_buf packed = SIM_BUF_INIT;
        struct sim_reader in;
        struct bus_ram *a, *b;
        static uint8_t page[SIM_PAGE_SIZE];

        run(to, random_next(&random) % 20000);
        run_into_smm(from, 1 + random_next(&random) % 5000);
        state_pack(from, &packed);
        in = sim_reader_over(packed.data, packed.len);
        for (a = from->bus->memory.first, b = to->bus->memory.first; a && b; a = a->next, b = b->next)
            for (uint64_t at = 0; a->state && at < a->pages * SIM_PAGE_SIZE; at += SIM_PAGE_SIZE) {
                bus_ram_get(a, at, page, sizeof(page));
                bus_ram_put(b, at, page, sizeof(page));
            }
        ck_assert_msg(state_unpack(to, &in) == SIM_OK, "%s", sim_last_error());
        ck_assert(in_smm(to));
        check_equal(from, to, "the copy differs");
        run(from, 3000);
        run(to, 3000);
        check_equal(from, to, "the copy goes another way");
        sim_buf_fini(&packed);
        sim_destroy(to);
    }
    sim_destroy(from);
}
END_TEST

/* In pieces of any size, down to single steps, it goes the same way. */
START_TEST(pieces_are_the_whole)
{
    struct sim *whole = guest("off"), *pieces = guest("off");
    uint64_t random = 5;

    for (unsigned n = 0; n < 60; n++) {
        sim_steps left = 2500;

        run(whole, left);
        while (left) {
            sim_steps piece = 1 + random_next(&random) % (n & 1 ? 3 : 200);

            piece = piece < left ? piece : left;
            run(pieces, piece);
            left -= piece;
        }
        check_equal(whole, pieces, "the runs differ");
    }
    sim_destroy(whole);
    sim_destroy(pieces);
}
END_TEST

/* Going back ends in SMM where it was, and forward from there. */
START_TEST(time_runs_backwards_through_smm)
{
    struct sim *sim = guest("on"), *forward = guest("off");
    uint64_t random = 17;
    struct sim_stop stop;

    run(sim, 150000);
    for (unsigned n = 0; n < 12; n++) {
        run_into_smm(forward, 1 + random_next(&random) % 8000);
        ck_assert_msg(sim_goto(sim, forward->step, &stop) == SIM_OK, "%s", sim_last_error());
        ck_assert(in_smm(sim));
        check_equal(sim, forward, "goto ends elsewhere");
        ck_assert_int_eq(sim_reverse_steps(sim, 40, &stop), SIM_OK);
        run(sim, 40);
        check_equal(sim, forward, "there and back is elsewhere");
    }
    sim_destroy(sim);
    sim_destroy(forward);
}
END_TEST

/* ---- SeaBIOS ---- */

struct messages {
    char text[65536];
    size_t len;
};

static void hear_messages(void *arg, const char *channel, const void *data, size_t len)
{
    struct messages *h = arg;

    if (strcmp(channel, "firmware") != 0 || len > sizeof(h->text) - 1 - h->len)
        return;
    memcpy(h->text + h->len, data, len);
    h->text[h->len += len] = 0;
}

static const char *const models[] = { "max", "haswell", "pentium3" };

START_TEST(seabios_sets_up_smm)
{
    static struct messages h;
    const char *options[] = { "bios", SEABIOS, "memory", "32", "cpu", models[_i], "cpus", "2", "timeline", "off", NULL };
    struct sim *sim = machine_from(options);
    struct cpu *cpu = cpu_get(sim->cluster, 0);
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };
    uint8_t smram, entry[2], seen[2] = { 0, 0 };
    struct sim_device *bridge = bus_device_find(sim->bus, "i440fx");

    memset(&h, 0, sizeof(h));
    sim_on_output(sim, hear_messages, &h);
    while (!strstr(h.text, "No bootable device") && stop.reason == SIM_STOP_STEPS && sim->step < 60000000)
        ck_assert_int_eq(sim_run_steps(sim, 100000, &stop), SIM_OK);
    ck_assert_msg(strstr(h.text, "No bootable device") != NULL, "%s (%s) at step %llu:\n%s", sim_stop_word(stop.reason), stop.text,
                  (unsigned long long)sim->step, h.text);
    ck_assert_uint_eq(cpu->smm.base, 0xA0000);
    ck_assert(!cpu->smm.active && !cpu->smi_pending);
    ck_assert_uint_eq(cpu_get(sim->cluster, 1)->smm.base, 0x30000); /* SMI# does not reach it */
    ck_assert_ptr_nonnull(bridge);
    smram = (uint8_t)sim_pci_config_peek(bridge, 0, 0x72, 1);
    ck_assert_uint_eq(smram, 0x0A);
    /* The handler is there, and nobody else sees it: MOV AX, CS. */
    ck_assert_uint_eq(bus_peek_as(sim->bus, BUS_SMM, 0xA8000, entry, 2), 2);
    bus_peek(sim->bus, 0xA8000, seen, 2);
    ck_assert(entry[0] == 0x8c && entry[1] == 0xc8);
    ck_assert(seen[0] != 0x8c || seen[1] != 0xc8);
    ck_assert_ptr_null(strstr(h.text, "internal error"));
    sim_destroy(sim);
}
END_TEST

/* A boot sector asks for a TPM (INT 1Ah, AX = BB00h), a service that SeaBIOS' 32-bit code answers: it gets there by an SMI, and back. */
START_TEST(seabios_calls_its_32_bit_code_by_smm)
{
    static const unsigned char code[] = {
        0x66, 0xbf, 0x78, 0x56, 0x34, 0x12, /* mov edi, 12345678h */
        0xb8, 0x00, 0xbb,                   /* mov ax, bb00h */
        0xcd, 0x1a,                         /* int 1ah */
        0x66, 0x81, 0xff, 0x78, 0x56, 0x34, 0x12, /* cmp edi, 12345678h */
        0x0f, 0x95, 0xc0,                   /* setne al */
        0xe6, 0xf4, 0xf4                    /* out f4h, al; hlt */
    };
    char path[] = "/tmp/libsim-smm-XXXXXX";
    unsigned char sector[512] = { 0 };
    const char *options[] = { "disk", path, "boot", "disk", "memory", "32", "cpu", models[_i], "timeline", "off", NULL };
    struct sim_stop stop;
    struct sim *sim;
    int fd = mkstemp(path);

    memcpy(sector, code, sizeof(code));
    sector[510] = 0x55;
    sector[511] = 0xaa;
    ck_assert_int_eq(write(fd, sector, sizeof(sector)), (int)sizeof(sector));
    ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
    close(fd);
    sim = machine_from(options);
    ck_assert_int_eq(sim_run_steps(sim, 400000000, &stop), SIM_OK);
    unlink(path);
    ck_assert_msg(stop.reason == SIM_STOP_EXIT && stop.code == 0, "%s: %s", sim_stop_word(stop.reason), stop.text);
    ck_assert_uint_eq(bus_io_peek(sim->bus, 0xB2, 1), 0xB5); /* the command of such a call */
    sim_destroy(sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("smm");
    bool seabios = access(SEABIOS, R_OK) == 0;

#define CASE(name, count)                             \
    {                                                 \
        TCase *c = tcase_create(#name);               \
                                                      \
        tcase_set_timeout(c, 300);                    \
        tcase_add_loop_test(c, name, 0, count);       \
        suite_add_tcase(suite, c);                    \
    }
    CASE(the_guest_is_content, 1)
    CASE(a_machine_in_smm_can_be_copied, 1)
    CASE(pieces_are_the_whole, 1)
    CASE(time_runs_backwards_through_smm, 1)
    if (seabios) {
        CASE(seabios_sets_up_smm, (int)(sizeof(models) / sizeof(models[0])))
        CASE(seabios_calls_its_32_bit_code_by_smm, (int)(sizeof(models) / sizeof(models[0])))
    } else
        printf("SKIP: SeaBIOS (package seabios) was not found\n");
    return run_suite(suite);
}
