/*
 * State, once: what a component's table declares is all there is. Noise written into every field is saved and read back byte for byte; a
 * second reset changes nothing; each byte of an instance is declared; a machine that is given another's state goes on as that one.
 */
#include "testcases/machine/bench.h"

#include "cpu/lapic.h"

static struct sim *machine_of_many_parts(void)
{
    return demo("quiet run=ps,stale", "cpus", "2", "clock", "4M", "timeline", "off", NULL);
}

/* ---- Noise ---- */

static void fill(const struct sim_field *table, void *object, uint64_t now, uint64_t *random);

static void fill_field(const struct sim_field *f, uint8_t *at, uint64_t now, uint64_t *random)
{
    struct sim_field_ref ref = { .field = f, .where = at, .count = f->count };

    switch (f->kind) {
    case SIM_KIND_UINT:
    case SIM_KIND_BYTES:
        for (uint32_t n = 0; n < f->count; n++) {
            uint64_t v = random_next(random);

            sim_field_set(&ref, n, f->max && f->max < UINT64_MAX ? v % (f->max + 1) : v);
        }
        break;
    case SIM_KIND_SUB:
        for (uint32_t n = 0; n < f->count; n++)
            fill(f->sub, at + (size_t)n * f->width, now, random);
        break;
    case SIM_KIND_EVENT:
        sim_field_set(&ref, 0, random_next(random) & 1 ? SIM_NEVER : now + 1 + random_next(random) % 1000000000);
        break;
    case SIM_KIND_CUSTOM:
    case SIM_KIND_DERIVED:
    case SIM_KIND_END:
        break;
    }
}

static void fill(const struct sim_field *table, void *object, uint64_t now, uint64_t *random)
{
    for (const struct sim_field *f = table; f && f->kind != SIM_KIND_END; f++)
        fill_field(f, (uint8_t *)object + f->offset, now, random);
}

static void pack(const struct sim_component *c, struct sim_buf *out)
{
    if (c->settle)
        c->settle(c->object);
    sim_fields_pack(c->fields, c->object, out);
}

static void unpack(const struct sim_component *c, const struct sim_buf *from)
{
    struct sim_reader in = sim_reader_over(from->data, from->len);

    ck_assert_msg(sim_fields_unpack(c->fields, c->object, &in) == SIM_OK, "%s: %s", c->name, sim_last_error());
    ck_assert_msg(in.pos == from->len, "%s: %zu bytes of its own packing are left over", c->name, from->len - in.pos);
    if (c->loaded)
        c->loaded(c->object);
}

static void check_equal(const struct sim_component *c, const struct sim_buf *a, const struct sim_buf *b, const char *what)
{
    struct sim_buf text = SIM_BUF_INIT;

    if (a->len == b->len && memcmp(a->data, b->data, a->len) == 0)
        return;
    for (size_t n = 0; n < a->len && n < b->len; n++)
        if (a->data[n] != b->data[n]) {
            printf("%s: byte %zu of %zu: %02x, then %02x\n", c->name, n, a->len, a->data[n], b->data[n]);
            break;
        }
    sim_fields_format(c->fields, c->object, "    ", &text);
    printf("%.*s", (int)text.len, (const char *)text.data);
    fflush(stdout);
    sim_buf_fini(&text);
    ck_abort_msg("%s: %s", c->name, what);
}

#define ROUNDS 20

/* Written, saved, read back here and into another machine, saved again. */
START_TEST(noise_survives_saving_and_restoring)
{
    struct sim *sim = machine_of_many_parts(), *other = machine_of_many_parts();
    const struct sim_component *c = sim->components[_i], *d = other->components[_i];
    uint64_t random = 0x2545f4914f6cdd1du + (unsigned)_i;

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct sim_buf first = SIM_BUF_INIT, second = SIM_BUF_INIT, third = SIM_BUF_INIT;

        fill(c->fields, c->object, sim->clock.now, &random);
        if (c->loaded) /* what is derived follows, as after a restore */
            c->loaded(c->object);
        pack(c, &first);
        unpack(c, &first);
        pack(c, &second);
        check_equal(c, &first, &second, "another state after it was restored");
        unpack(d, &first);
        pack(d, &third);
        check_equal(c, &first, &third, "another state in another machine");
        sim_buf_fini(&first);
        sim_buf_fini(&second);
        sim_buf_fini(&third);
    }
    sim_destroy(sim);
    sim_destroy(other);
}
END_TEST

/* The same through the named encoding of files. */
START_TEST(noise_survives_files)
{
    struct sim *sim = machine_of_many_parts(), *other = machine_of_many_parts();
    const struct sim_component *c = sim->components[_i], *d = other->components[_i];
    uint64_t random = 0x9e3779b97f4a7c15u + (unsigned)_i;
    struct sim_buf file = SIM_BUF_INIT, first = SIM_BUF_INIT, second = SIM_BUF_INIT;
    struct sim_reader in;

    fill(c->fields, c->object, sim->clock.now, &random);
    if (c->loaded)
        c->loaded(c->object);
    pack(c, &first);
    sim_fields_save(c->fields, c->object, &file);
    in = sim_reader_over(file.data, file.len);
    ck_assert_msg(sim_fields_load(d->fields, d->object, &in) == SIM_OK, "%s: %s", d->name, sim_last_error());
    if (d->loaded)
        d->loaded(d->object);
    pack(d, &second);
    check_equal(c, &first, &second, "another state after it came from a file");
    sim_buf_fini(&file);
    sim_buf_fini(&first);
    sim_buf_fini(&second);
    sim_destroy(sim);
    sim_destroy(other);
}
END_TEST

/* Truncated at any place, it is refused, and nothing worse happens. */
START_TEST(a_truncated_state_is_refused)
{
    struct sim *sim = machine_of_many_parts();
    const struct sim_component *c = sim->components[_i];
    struct sim_buf packed = SIM_BUF_INIT;
    size_t step;

    pack(c, &packed);
    step = packed.len > 500 ? packed.len / 500 : 1;
    for (size_t len = 0; len < packed.len; len += step) {
        struct sim_reader in = sim_reader_over(packed.data, len);

        ck_assert_msg(sim_fields_unpack(c->fields, c->object, &in) != SIM_OK, "%s: %zu of %zu bytes are taken for whole", c->name, len, packed.len);
    }
    sim_buf_fini(&packed);
    sim_destroy(sim);
}
END_TEST

/* ---- Completeness ---- */

START_TEST(each_byte_of_each_device_is_declared)
{
    struct sim *sim = machine_of_many_parts();
    struct sim_device *dev = NULL;
    unsigned gaps = 0;

    while ((dev = bus_device_next(sim->bus, dev)) != NULL) {
        size_t gap = bus_device_class_gap(dev->cls);

        if (gap == dev->cls->instance_size)
            continue;
        printf("%s: byte %zu of %u is not in its table\n", dev->cls->name, gap, dev->cls->instance_size);
        gaps++;
    }
    fflush(stdout);
    ck_assert_uint_eq(gaps, 0);
    sim_destroy(sim);
}
END_TEST

/* The derived part of a CPU stands at its end, and is not listed. */
START_TEST(each_byte_of_a_cpu_is_declared)
{
    static uint8_t covered[sizeof(struct cpu)];
    struct sim *sim = machine_of_many_parts();
    const struct sim_component *lapic = cpu_lapic_component(cpu_get(sim->cluster, 0));

    /* Bases of addresses that are no registers: constants, and what follows from IP. */
    memset(covered + offsetof(struct cpu, reg[CPU_GENERAL]), 1, (CPU_REGS - CPU_GENERAL) * sizeof(uint64_t));
    memset(covered + offsetof(struct cpu, lapic), 1, sizeof(struct lapic *));
    memset(covered + offsetof(struct cpu, cluster), 1, sizeof(struct cpu) - offsetof(struct cpu, cluster));
    ck_assert_uint_eq(sim_fields_gap_beside(cpu_fields, sizeof(struct cpu), covered), sizeof(struct cpu));
    ck_assert_uint_eq(sim_fields_gap(lapic->fields, sizeof(struct lapic)), sizeof(struct lapic));
    sim_destroy(sim);
}
END_TEST

static void check_parts(const struct sim_field *table, const char *owner)
{
    for (const struct sim_field *f = table; f && f->kind != SIM_KIND_END; f++)
        if (f->kind == SIM_KIND_SUB) {
            size_t gap = sim_fields_gap(f->sub, f->width);

            ck_assert_msg(gap == f->width, "%s, %s: byte %zu of %u is not in its table", owner, f->name, gap, f->width);
            check_parts(f->sub, owner);
        }
}

/* But for the machine's clock, whose queue is derived. */
START_TEST(each_byte_of_each_part_is_declared)
{
    struct sim *sim = machine_of_many_parts();

    for (unsigned n = 1; n < sim->component_count; n++)
        check_parts(sim->components[n]->fields, sim->components[n]->name);
    sim_destroy(sim);
}
END_TEST

START_TEST(components_have_names_of_their_own)
{
    struct sim *sim = machine_of_many_parts();

    for (unsigned n = 0; n < sim->component_count; n++)
        for (unsigned k = 0; k < n; k++)
            ck_assert_str_ne(sim->components[n]->name, sim->components[k]->name);
    sim_destroy(sim);
}
END_TEST

/* ---- Resets ---- */

/* Two resets are one, whatever the machine did before; _i: which kind. */
START_TEST(a_second_reset_changes_nothing)
{
    static const enum sim_reset kinds[] = { SIM_RESET_POWER, SIM_RESET_HARD };
    struct sim *once = machine_of_many_parts(), *twice = machine_of_many_parts();
    struct sim_stop stop;

    ck_assert_int_eq(sim_run_steps(once, 2000000, &stop), SIM_OK);
    ck_assert_int_eq(sim_run_steps(twice, 2000000, &stop), SIM_OK);
    ck_assert_int_eq(machine_reset(once, kinds[_i]), SIM_OK);
    ck_assert_int_eq(machine_reset(twice, kinds[_i]), SIM_OK);
    ck_assert_int_eq(machine_reset(twice, kinds[_i]), SIM_OK);
    if (sim_digest(once) != sim_digest(twice))
        print_difference(once, twice);
    ck_assert_uint_eq(sim_digest(once), sim_digest(twice));
    sim_destroy(once);
    sim_destroy(twice);
}
END_TEST

/* ---- A whole machine's state in another ---- */

static void copy_pages(struct sim *from, struct sim *to)
{
    for (struct bus_ram *a = from->bus->memory.first, *b = to->bus->memory.first; a && b; a = a->next, b = b->next) {
        static uint8_t page[SIM_PAGE_SIZE], there[SIM_PAGE_SIZE];

        for (uint64_t at = 0; a->state && at < a->pages * SIM_PAGE_SIZE; at += SIM_PAGE_SIZE) {
            bus_ram_get(a, at, page, sizeof(page));
            bus_ram_get(b, at, there, sizeof(there));
            if (memcmp(page, there, sizeof(page)) != 0)
                bus_ram_put(b, at, page, sizeof(page));
        }
    }
}

START_TEST(a_machine_with_anothers_state_goes_on_as_that_one)
{
    struct sim *from = machine_of_many_parts();
    struct sim_stop stop;
    uint64_t random = 4242;

    for (unsigned n = 0; n < 25; n++) {
        struct sim *to = machine_of_many_parts();
        struct sim_buf packed = SIM_BUF_INIT;
        struct sim_reader in;

        ck_assert_int_eq(sim_run_steps(to, random_next(&random) % 300000, &stop), SIM_OK); /* something else lies there */
        ck_assert_int_eq(sim_run_steps(from, 1 + random_next(&random) % 120000, &stop), SIM_OK);
        state_pack(from, &packed);
        in = sim_reader_over(packed.data, packed.len);
        copy_pages(from, to);
        ck_assert_msg(state_unpack(to, &in) == SIM_OK, "%s", sim_last_error());
        if (sim_digest(from) != sim_digest(to))
            print_difference(from, to);
        ck_assert_msg(sim_digest(from) == sim_digest(to), "the copy at step %llu differs", (unsigned long long)from->step);
        ck_assert_int_eq(sim_run_steps(from, 50000, &stop), SIM_OK);
        ck_assert_int_eq(sim_run_steps(to, 50000, &stop), SIM_OK);
        if (sim_digest(from) != sim_digest(to))
            print_difference(from, to);
        ck_assert_msg(sim_digest(from) == sim_digest(to), "the copy goes another way before step %llu", (unsigned long long)from->step);
        sim_buf_fini(&packed);
        sim_destroy(to);
    }
    sim_destroy(from);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    struct sim_config cfg;
    struct sim *sim;
    char path[512];
    int components;

    sim_config_init(&cfg);
    sim_config_set(&cfg, "image", guest_path(path, sizeof(path), "demo/demo.elf"));
    sim_config_set(&cfg, "cpus", "2");
    if (sim_create(&cfg, &sim) != SIM_OK) {
        fprintf(stderr, "%s\n", sim_last_error());
        return EXIT_FAILURE;
    }
    components = (int)sim->component_count;
    sim_destroy(sim);
    sim_config_fini(&cfg);

#define CASE(name, count)                             \
    {                                                 \
        TCase *c = tcase_create(#name);               \
                                                      \
        tcase_set_timeout(c, 120);                    \
        tcase_add_loop_test(c, name, 0, count);       \
        suite_add_tcase(suite, c);                    \
    }
    CASE(noise_survives_saving_and_restoring, components)
    CASE(noise_survives_files, components)
    CASE(a_truncated_state_is_refused, components)
    CASE(each_byte_of_each_device_is_declared, 1)
    CASE(each_byte_of_a_cpu_is_declared, 1)
    CASE(each_byte_of_each_part_is_declared, 1)
    CASE(components_have_names_of_their_own, 1)
    CASE(a_second_reset_changes_nothing, 2)
    CASE(a_machine_with_anothers_state_goes_on_as_that_one, 1)
    return run_suite(suite);
}
