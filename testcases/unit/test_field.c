/* State tables: base/field.h. */
#include "base/field.h"

#include "base/error.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODE_BITS(X, p)                     \
    X(p, select, 7, 6, "counter 0..2")      \
    X(p, bcd, 0, 0, "1 counts in BCD")
SIM_BITS_DEFINE(mode, MODE_BITS)

enum phase { IDLE, BUSY, DONE };

struct channel {
    uint8_t mode;
    uint16_t count[3];
    bool gate;
    uint64_t total;
};

struct blob {
    uint8_t bytes[32];
    uint32_t len;
};

struct part {
    uint32_t reg;
    bool enabled, flags[5];
    enum phase phase;
    uint8_t index; /* into `buffer` */
    uint8_t buffer[16];
    struct channel channel[3], single;
    struct sim_event tick;
    struct blob blob;
    void *wire;
};

static void blob_pack(const void *member, struct sim_buf *out)
{
    const struct blob *b = member;

    sim_buf_put(out, b->bytes, b->len);
}

static enum sim_err blob_unpack(void *member, struct sim_reader *in)
{
    struct blob *b = member;
    uint32_t len = (uint32_t)(in->len - in->pos);

    if (len > sizeof(b->bytes))
        return sim_fail(SIM_ERR_FORMAT, "blob of %u bytes", len);
    memcpy(b->bytes, sim_reader_take(in, len), len);
    b->len = len;
    return SIM_OK;
}

static const struct sim_field_custom blob_custom = { blob_pack, blob_unpack };

static const struct sim_field channel_fields[] = {
    SIM_FIELD_BITS(struct channel, mode, mode_bits, "mode"),
    SIM_FIELD_ARRAY(struct channel, count, "counts"),
    SIM_FIELD(struct channel, gate, "gate"),
    SIM_FIELD(struct channel, total, "total"),
    SIM_FIELD_END
};

static const struct sim_field part_fields[] = {
    SIM_FIELD(struct part, reg, "a register"),
    SIM_FIELD(struct part, enabled, "on"),
    SIM_FIELD_ARRAY(struct part, flags, "flags"),
    SIM_FIELD_MAX(struct part, phase, DONE, "phase"),
    SIM_FIELD_MAX(struct part, index, 15, "index"),
    SIM_FIELD_BYTES(struct part, buffer, "buffer"),
    SIM_FIELD_SUB(struct part, channel, channel_fields, "channels"),
    SIM_FIELD_STRUCT(struct part, single, channel_fields, "one more"),
    SIM_FIELD_EVENT(struct part, tick, "tick"),
    SIM_FIELD_CUSTOM(struct part, blob, &blob_custom, "blob"),
    SIM_FIELD_DERIVED(struct part, wire, "wire"),
    SIM_FIELD_END
};

static struct sim_clock test_clock;

static void ignore(void *arg)
{
    (void)arg;
}

static void setup(void)
{
    sim_clock_init(&test_clock, 1000);
}

static void teardown(void)
{
    sim_clock_fini(&test_clock);
}

static void part_init(struct part *p, uint32_t number)
{
    memset(p, 0, sizeof(*p));
    sim_event_init(&p->tick, &test_clock, 0, number, ignore, NULL);
    p->wire = p;
}

static uint8_t noise(void)
{
    static uint32_t x = 2463534242u;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return (uint8_t)(x >> 8);
}

static uint64_t noise64(void)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | noise();
    return v;
}

/* Writes noise into every value by path, as the whole-library test does. */
static void fill_with_noise(const struct sim_field *table, void *object)
{
    for (const struct sim_field *f = table; f->kind != SIM_KIND_END; f++) {
        struct sim_field_ref ref;

        if (f->kind == SIM_KIND_DERIVED || f->kind == SIM_KIND_CUSTOM)
            continue;
        ck_assert_int_eq(sim_fields_find(table, object, f->name, &ref), SIM_OK);
        for (uint32_t i = 0; i < ref.count; i++) {
            if (f->kind == SIM_KIND_SUB)
                fill_with_noise(f->sub, (uint8_t *)ref.where + i * f->width);
            else
                sim_field_set(&ref, i, f->max ? noise64() % (f->max + 1) : noise64());
        }
    }
}

static void part_noise(struct part *p)
{
    fill_with_noise(part_fields, p);
    p->blob.len = noise() % 33;
    for (unsigned i = 0; i < p->blob.len; i++)
        p->blob.bytes[i] = noise();
}

START_TEST(noise_survives_every_encoding)
{
    for (int round = 0; round < 50; round++) {
        struct sim_buf first = SIM_BUF_INIT, second = SIM_BUF_INIT, file = SIM_BUF_INIT;
        struct part a, b, c;
        struct sim_reader r;

        part_init(&a, 0);
        part_init(&b, 1);
        part_init(&c, 2);
        part_noise(&a);
        part_noise(&b); /* what was there before must not shine through */
        sim_fields_pack(part_fields, &a, &first);
        r = sim_reader_over(first.data, first.len);
        ck_assert_int_eq(sim_fields_unpack(part_fields, &b, &r), SIM_OK);
        ck_assert_uint_eq(r.pos, r.len);
        sim_fields_pack(part_fields, &b, &second);
        ck_assert_uint_eq(first.len, second.len);
        ck_assert_mem_eq(first.data, second.data, first.len);
        ck_assert_uint_eq(b.tick.deadline, a.tick.deadline);
        ck_assert_ptr_eq(b.wire, &b); /* derived: untouched */

        sim_fields_save(part_fields, &a, &file);
        r = sim_reader_over(file.data, file.len);
        ck_assert_int_eq(sim_fields_load(part_fields, &c, &r), SIM_OK);
        ck_assert_uint_eq(r.pos, r.len);
        sim_buf_clear(&second);
        sim_fields_pack(part_fields, &c, &second);
        ck_assert_mem_eq(first.data, second.data, first.len);
        sim_buf_fini(&first);
        sim_buf_fini(&second);
        sim_buf_fini(&file);
        sim_event_cancel(&a.tick);
        sim_event_cancel(&b.tick);
        sim_event_cancel(&c.tick);
    }
}
END_TEST

START_TEST(every_cut_of_a_file_is_refused_and_changes_nothing)
{
    struct sim_buf file = SIM_BUF_INIT, before = SIM_BUF_INIT, after = SIM_BUF_INIT;
    struct part a, b;

    part_init(&a, 0);
    part_init(&b, 1);
    part_noise(&a);
    part_noise(&b);
    sim_fields_save(part_fields, &a, &file);
    sim_fields_pack(part_fields, &b, &before);
    for (size_t len = 0; len < file.len; len++) {
        uint8_t *cut = malloc(len + 1); /* of the exact size, for the sanitizer */
        struct sim_reader r = sim_reader_over(cut, len);

        memcpy(cut, file.data, len);
        ck_assert_int_eq(sim_fields_load(part_fields, &b, &r), SIM_ERR_FORMAT);
        free(cut);
    }
    sim_fields_pack(part_fields, &b, &after);
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_mem_eq(before.data, after.data, before.len);
    sim_buf_fini(&file);
    sim_buf_fini(&before);
    sim_buf_fini(&after);
}
END_TEST

struct two {
    uint32_t a, b;
};
#define ROW(member) SIM_FIELD(struct two, member, "")
static const struct sim_field both[] = { ROW(a), ROW(b), SIM_FIELD_END };
static const struct sim_field only_a[] = { ROW(a), SIM_FIELD_END };
static const struct sim_field only_b[] = { ROW(b), SIM_FIELD_END };
static const struct sim_field swapped[] = { ROW(b), ROW(a), SIM_FIELD_END };
static const struct sim_field a_twice[] = { ROW(a), ROW(a), SIM_FIELD_END };
static const struct sim_field a_bytes[] = { SIM_FIELD_ROW_(struct two, a, SIM_KIND_BYTES, 1, 4, NULL, NULL, NULL, ""),
                                            SIM_FIELD_END };
static const struct sim_field a_small[] = { SIM_FIELD_MAX(struct two, a, 6, ""), SIM_FIELD_END };

START_TEST(a_file_of_another_table_is_refused_by_name)
{
    static const struct {
        const struct sim_field *saved, *loaded;
        const char *says; /* NULL: accepted */
    } cases[] = {
        { both, both, NULL },
        { only_a, both, "field b is missing" },
        { only_b, both, "field a is missing" },
        { both, only_a, "unknown field b" },
        { both, only_b, "unknown field a" },
        { swapped, both, "field a is missing" },
        { a_twice, only_a, "field a comes twice" },
        { a_bytes, only_a, "field a: kind" },
        { only_a, a_small, "field a: value 7 is above 6" },
        { a_small, only_a, NULL },
    };
    struct two saved = { 7, 8 }, loaded = { 1, 2 };
    struct sim_buf file = SIM_BUF_INIT;
    struct sim_reader r;

    sim_fields_save(cases[_i].saved, &saved, &file);
    r = sim_reader_over(file.data, file.len);
    ck_assert_int_eq(sim_fields_load(cases[_i].loaded, &loaded, &r), cases[_i].says ? SIM_ERR_FORMAT : SIM_OK);
    if (cases[_i].says) {
        ck_assert_msg(strstr(sim_last_error(), cases[_i].says) != NULL, "said: %s", sim_last_error());
        ck_assert_uint_eq(loaded.a, 1);
    }
    sim_buf_fini(&file);
}
END_TEST

START_TEST(a_value_is_found_by_its_path)
{
    static const struct {
        const char *path;
        uint32_t count; /* 0: not found */
        uint64_t value;
    } cases[] = {
        { "reg", 1, 0x12345678 },     { "flags", 5, 0 },         { "flags[4]", 1, 1 },
        { "flags[5]", 0, 0 },         { "channel[2].mode", 1, 0x81 }, { "channel[2].count[1]", 1, 77 },
        { "channel.mode", 0, 0 },     { "single.gate", 1, 1 },   { "channel[3].mode", 0, 0 },
        { "tick", 1, 99 },            { "buffer[3]", 1, 33 },    { "wire", 0, 0 },
        { "nothing", 0, 0 },          { "reg.x", 0, 0 },         { "", 0, 0 },
        { "channel[2]", 1, 0 },       { "channel[-1].mode", 0, 0 }, { "channel[2", 0, 0 },
        { "reg ", 0, 0 },             { "single..gate", 0, 0 },  { "channel[99999999999].mode", 0, 0 },
    };
    struct sim_field_ref ref;
    struct part p;

    part_init(&p, 0);
    p.reg = 0x12345678;
    p.flags[4] = true;
    p.channel[2].mode = 0x81;
    p.channel[2].count[1] = 77;
    p.single.gate = true;
    p.buffer[3] = 33;
    sim_event_at(&p.tick, 99);
    if (!cases[_i].count) {
        ck_assert_int_eq(sim_fields_find(part_fields, &p, cases[_i].path, &ref), SIM_ERR_UNKNOWN);
        return;
    }
    ck_assert_int_eq(sim_fields_find(part_fields, &p, cases[_i].path, &ref), SIM_OK);
    ck_assert_uint_eq(ref.count, cases[_i].count);
    ck_assert_uint_eq(sim_field_get(&ref, 0), cases[_i].value);
    sim_event_cancel(&p.tick);
}
END_TEST

START_TEST(a_value_that_is_set_stays_within_its_bounds)
{
    struct sim_field_ref ref;
    struct part p;

    part_init(&p, 0);
    ck_assert_int_eq(sim_fields_find(part_fields, &p, "enabled", &ref), SIM_OK);
    sim_field_set(&ref, 0, 2);
    ck_assert(p.enabled);
    ck_assert_int_eq(sim_fields_find(part_fields, &p, "index", &ref), SIM_OK);
    sim_field_set(&ref, 0, 200);
    ck_assert_uint_eq(p.index, 15);
    ck_assert_int_eq(sim_fields_find(part_fields, &p, "tick", &ref), SIM_OK);
    sim_field_set(&ref, 0, 5);
    ck_assert_uint_eq(sim_clock_next(&test_clock), 5);
    sim_field_set(&ref, 0, SIM_NEVER);
    ck_assert_uint_eq(sim_clock_next(&test_clock), SIM_NEVER);
}
END_TEST

START_TEST(a_bool_is_read_back_as_0_or_1_only)
{
    struct sim_buf b = SIM_BUF_INIT;
    struct sim_reader r;
    struct part p;

    part_init(&p, 0);
    sim_fields_pack(part_fields, &p, &b);
    b.data[4] = 2; /* `enabled`, behind the 4 bytes of `reg` */
    r = sim_reader_over(b.data, b.len);
    ck_assert_int_eq(sim_fields_unpack(part_fields, &p, &r), SIM_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(sim_last_error(), "enabled"));
    sim_buf_fini(&b);
}
END_TEST

START_TEST(the_listing_decodes_bits_and_folds_repeats)
{
    static const char *const lines[] = {
        "  reg                      0x12345678  a register\n",
        "  channel[1].mode          0x81 select=2 bcd=1  mode\n",
        "  channel[0].count[0]      0000 0000 0000  counts\n",
        "  tick                     never  tick\n",
        "  buffer[0]                00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff  buffer\n",
    };
    struct sim_buf out = SIM_BUF_INIT;
    struct part p;

    part_init(&p, 0);
    p.reg = 0x12345678;
    p.channel[1].mode = 0x81;
    p.buffer[15] = 0xFF;
    sim_fields_format(part_fields, &p, "  ", &out);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_msg(strstr(sim_buf_cstr(&out), lines[i]) != NULL, "no line\n%s in\n%s", lines[i], sim_buf_cstr(&out));
    ck_assert_ptr_null(strstr(sim_buf_cstr(&out), "wire"));
    sim_buf_fini(&out);
}
END_TEST

struct padded {
    uint8_t a;
    uint32_t b;
    uint8_t c[3];
    uint64_t d;
};
#define PAD(member) SIM_FIELD_DERIVED(struct padded, member, "")

START_TEST(a_member_left_out_is_found)
{
    static const struct sim_field all[] = { PAD(a), PAD(b), PAD(c), PAD(d), SIM_FIELD_END };
    static const struct sim_field no_b[] = { PAD(a), PAD(c), PAD(d), SIM_FIELD_END };
    static const struct sim_field no_d[] = { PAD(a), PAD(b), PAD(c), SIM_FIELD_END };
    uint8_t covered[sizeof(struct padded)] = { 0 };

    ck_assert_uint_eq(sim_fields_gap(all, sizeof(struct padded)), sizeof(struct padded));
    ck_assert_uint_eq(sim_fields_gap(no_b, sizeof(struct padded)), 1);
    ck_assert_uint_lt(sim_fields_gap(no_d, sizeof(struct padded)), sizeof(struct padded));
    ck_assert_uint_eq(sim_fields_gap(part_fields, sizeof(struct part)), sizeof(struct part));
    memset(covered + offsetof(struct padded, d), 1, 8);
    ck_assert_uint_eq(sim_fields_gap_beside(no_d, sizeof(struct padded), covered), sizeof(struct padded));
}
END_TEST

struct tailed {
    struct tail { uint64_t mant; uint16_t se; } r[2]; /* ends in padding, which what follows does not ask for */
    uint16_t word;
};

START_TEST(the_end_of_an_element_is_padding_whatever_comes_behind)
{
    static const struct sim_field tail[] = { SIM_FIELD(struct tail, mant, ""), SIM_FIELD(struct tail, se, ""), SIM_FIELD_END };
    static const struct sim_field no_se[] = { SIM_FIELD(struct tail, mant, ""), SIM_FIELD_END };
    static const struct sim_field all[] = { SIM_FIELD_SUB(struct tailed, r, tail, ""), SIM_FIELD(struct tailed, word, ""), SIM_FIELD_END };
    static const struct sim_field part[] = { SIM_FIELD_SUB(struct tailed, r, no_se, ""), SIM_FIELD(struct tailed, word, ""), SIM_FIELD_END };
    static const struct sim_field no_word[] = { SIM_FIELD_SUB(struct tailed, r, tail, ""), SIM_FIELD_END };

    ck_assert_uint_eq(sim_fields_gap(all, sizeof(struct tailed)), sizeof(struct tailed));
    ck_assert_uint_eq(sim_fields_gap(part, sizeof(struct tailed)), 8);
    ck_assert_uint_eq(sim_fields_gap(no_word, sizeof(struct tailed)), 32);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("field");
    TCase *t = tcase_create("field");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, noise_survives_every_encoding);
    tcase_add_test(t, every_cut_of_a_file_is_refused_and_changes_nothing);
    tcase_add_loop_test(t, a_file_of_another_table_is_refused_by_name, 0, 10);
    tcase_add_loop_test(t, a_value_is_found_by_its_path, 0, 21);
    tcase_add_test(t, a_value_that_is_set_stays_within_its_bounds);
    tcase_add_test(t, a_bool_is_read_back_as_0_or_1_only);
    tcase_add_test(t, the_listing_decodes_bits_and_folds_repeats);
    tcase_add_test(t, a_member_left_out_is_found);
    tcase_add_test(t, the_end_of_an_element_is_padding_whatever_comes_behind);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
