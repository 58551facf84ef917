#include "base/field.h"

#include "base/error.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_IS_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static const uint8_t *member_of(const void *object, const struct sim_field *f, uint32_t index)
{
    return (const uint8_t *)object + f->offset + (size_t)index * f->width;
}

static uint64_t uint_load(const void *at, uint32_t width)
{
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;

    switch (width) {
    case 1: return *(const uint8_t *)at;
    case 2: memcpy(&v16, at, 2); return v16;
    case 4: memcpy(&v32, at, 4); return v32;
    case 8: memcpy(&v64, at, 8); return v64;
    }
    assert(!"width of a UINT field");
    return 0;
}

static void uint_store(void *at, uint32_t width, uint64_t value)
{
    uint8_t v8 = (uint8_t)value;
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;

    switch (width) {
    case 1: memcpy(at, &v8, 1); return;
    case 2: memcpy(at, &v16, 2); return;
    case 4: memcpy(at, &v32, 4); return;
    case 8: memcpy(at, &value, 8); return;
    }
    assert(!"width of a UINT field");
}

static uint64_t uint_read(struct sim_reader *in, uint32_t width)
{
    switch (width) {
    case 1: return sim_reader_u8(in);
    case 2: return sim_reader_u16(in);
    case 4: return sim_reader_u32(in);
    default: return sim_reader_u64(in);
    }
}

static void uint_write(struct sim_buf *out, uint32_t width, uint64_t value)
{
    switch (width) {
    case 1: sim_buf_u8(out, (uint8_t)value); return;
    case 2: sim_buf_u16(out, (uint16_t)value); return;
    case 4: sim_buf_u32(out, (uint32_t)value); return;
    default: sim_buf_u64(out, value); return;
    }
}

/* ---- Packed values ---- */

static void custom_pack(const struct sim_field *f, const void *object, struct sim_buf *out)
{
    struct sim_buf bytes = SIM_BUF_INIT;

    f->custom->pack(member_of(object, f, 0), &bytes);
    if (bytes.failed || bytes.len > UINT32_MAX)
        out->failed = true;
    sim_buf_u32(out, (uint32_t)bytes.len);
    sim_buf_put(out, bytes.data, bytes.len);
    sim_buf_fini(&bytes);
}

void sim_fields_pack(const struct sim_field *table, const void *object, struct sim_buf *out)
{
    for (const struct sim_field *f = table; f && f->kind != SIM_KIND_END; f++) {
        const void *at = member_of(object, f, 0);

        switch (f->kind) {
        case SIM_KIND_UINT:
            if (HOST_IS_LITTLE_ENDIAN)
                sim_buf_put(out, at, (size_t)f->width * f->count);
            else
                for (uint32_t i = 0; i < f->count; i++)
                    uint_write(out, f->width, uint_load(member_of(object, f, i), f->width));
            break;
        case SIM_KIND_BYTES:
            sim_buf_put(out, at, (size_t)f->width * f->count);
            break;
        case SIM_KIND_SUB:
            for (uint32_t i = 0; i < f->count; i++)
                sim_fields_pack(f->sub, member_of(object, f, i), out);
            break;
        case SIM_KIND_EVENT:
            sim_buf_u64(out, ((const struct sim_event *)at)->deadline);
            break;
        case SIM_KIND_CUSTOM:
            custom_pack(f, object, out);
            break;
        case SIM_KIND_DERIVED:
        case SIM_KIND_END:
            break;
        }
    }
}

static enum sim_err ends_early(const struct sim_field *f)
{
    return sim_fail(SIM_ERR_FORMAT, "state of field %s ends early", f->name);
}

static enum sim_err uints_in(const struct sim_field *f, void *object, struct sim_reader *in)
{
    uint32_t width = f->width;

    if (HOST_IS_LITTLE_ENDIAN && !f->max) {
        size_t n = (size_t)width * f->count;
        const void *bytes = sim_reader_take(in, n);

        if (!bytes)
            return ends_early(f);
        if (object)
            memcpy((void *)(uintptr_t)member_of(object, f, 0), bytes, n);
        return SIM_OK;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        uint64_t v = uint_read(in, width);

        if (in->failed)
            return ends_early(f);
        if (f->max && v > f->max)
            return sim_fail(SIM_ERR_FORMAT, "field %s: value %" PRIu64 " is above %" PRIu64, f->name, v, f->max);
        if (object)
            uint_store((void *)(uintptr_t)member_of(object, f, i), width, v);
    }
    return SIM_OK;
}

static enum sim_err custom_in(const struct sim_field *f, void *member, struct sim_reader *in)
{
    uint32_t n = sim_reader_u32(in);
    const void *bytes = sim_reader_take(in, n);
    struct sim_reader sub;
    enum sim_err err;

    if (!bytes)
        return ends_early(f);
    if (!member)
        return SIM_OK;
    sub = sim_reader_over(bytes, n);
    err = f->custom->unpack(member, &sub);
    if (err)
        return err;
    if (sub.failed || sub.pos != sub.len)
        return sim_fail(SIM_ERR_FORMAT, "field %s: %s", f->name, sub.failed ? "ends early" : "has bytes left over");
    return SIM_OK;
}

/* Reads the packed values into `object`; NULL: only checks them. */
static enum sim_err values_in(const struct sim_field *table, void *object, struct sim_reader *in)
{
    enum sim_err err = SIM_OK;

    for (const struct sim_field *f = table; f && f->kind != SIM_KIND_END && !err; f++) {
        uint8_t *at = object ? (uint8_t *)object + f->offset : NULL;

        switch (f->kind) {
        case SIM_KIND_UINT:
            err = uints_in(f, object, in);
            break;
        case SIM_KIND_BYTES: {
            size_t n = (size_t)f->width * f->count;
            const void *bytes = sim_reader_take(in, n);

            if (!bytes)
                return ends_early(f);
            if (at)
                memcpy(at, bytes, n);
            break;
        }
        case SIM_KIND_SUB:
            for (uint32_t i = 0; i < f->count && !err; i++)
                err = values_in(f->sub, at ? at + (size_t)i * f->width : NULL, in);
            break;
        case SIM_KIND_EVENT: {
            uint64_t deadline = sim_reader_u64(in);

            if (in->failed)
                return ends_early(f);
            if (at)
                sim_event_at((struct sim_event *)(void *)at, deadline);
            break;
        }
        case SIM_KIND_CUSTOM:
            err = custom_in(f, at, in);
            break;
        case SIM_KIND_DERIVED:
        case SIM_KIND_END:
            break;
        }
    }
    return err;
}

enum sim_err sim_fields_unpack(const struct sim_field *table, void *object, struct sim_reader *in)
{
    return values_in(table, object, in);
}

/* ---- The named encoding: rows of (name, kind, width, count[, rows of the sub-table]), "" ends; then the packed
 * values. Sizes of this host's structs stay out of it. ---- */

static uint32_t width_in_file(const struct sim_field *f)
{
    switch (f->kind) {
    case SIM_KIND_UINT:
    case SIM_KIND_BYTES: return f->width;
    case SIM_KIND_EVENT: return 8;
    default: return 0;
    }
}

static const struct sim_field *next_state(const struct sim_field *f)
{
    while (f && f->kind == SIM_KIND_DERIVED)
        f++;
    return f && f->kind != SIM_KIND_END ? f : NULL;
}

static void schema_out(const struct sim_field *table, struct sim_buf *out)
{
    for (const struct sim_field *f = next_state(table); f; f = next_state(f + 1)) {
        sim_buf_str(out, f->name);
        sim_buf_u8(out, (uint8_t)f->kind);
        sim_buf_u32(out, width_in_file(f));
        sim_buf_u32(out, f->count);
        if (f->kind == SIM_KIND_SUB)
            schema_out(f->sub, out);
    }
    sim_buf_str(out, "");
}

static bool has_row(const struct sim_field *table, const char *name)
{
    for (const struct sim_field *f = next_state(table); f; f = next_state(f + 1))
        if (!strcmp(f->name, name))
            return true;
    return false;
}

static enum sim_err schema_in(const struct sim_field *table, struct sim_reader *in)
{
    const struct sim_field *f = next_state(table);
    enum sim_err err;
    char name[256];

    for (;; f = next_state(f + 1)) {
        uint32_t kind, width, count;

        sim_reader_str(in, name, sizeof(name));
        if (in->failed)
            return sim_fail(SIM_ERR_FORMAT, "list of fields is damaged at %s", f ? f->name : "its end");
        if (!f && !name[0])
            return SIM_OK;
        if (name[0] && !has_row(table, name))
            return sim_fail(SIM_ERR_FORMAT, "unknown field %s", name);
        if (!f)
            return sim_fail(SIM_ERR_FORMAT, "field %s comes twice", name);
        if (strcmp(name, f->name))
            return sim_fail(SIM_ERR_FORMAT, "field %s is missing", f->name);
        kind = sim_reader_u8(in);
        width = sim_reader_u32(in);
        count = sim_reader_u32(in);
        if (kind != (uint32_t)f->kind || width != width_in_file(f) || count != f->count)
            return sim_fail(SIM_ERR_FORMAT, "field %s: kind %u, %u elements of %u bytes; expected kind %u, %u of %u",
                            f->name, kind, count, width, (unsigned)f->kind, f->count, width_in_file(f));
        if (f->kind == SIM_KIND_SUB) {
            err = schema_in(f->sub, in);
            if (err)
                return err;
        }
    }
}

void sim_fields_save(const struct sim_field *table, const void *object, struct sim_buf *out)
{
    schema_out(table, out);
    sim_fields_pack(table, object, out);
}

enum sim_err sim_fields_load(const struct sim_field *table, void *object, struct sim_reader *in)
{
    struct sim_reader check;
    enum sim_err err = schema_in(table, in);

    if (err)
        return err;
    check = *in;
    err = values_in(table, NULL, &check);
    return err ? err : values_in(table, object, in);
}

/* ---- Single values ---- */

/* Reads "name" or "name[index]" off the path; *index is UINT32_MAX when none is given. */
static const char *path_part(const char *path, char *name, size_t cap, uint32_t *index)
{
    size_t n = strcspn(path, ".[");

    if (n == 0 || n >= cap)
        return NULL;
    memcpy(name, path, n);
    name[n] = '\0';
    path += n;
    *index = UINT32_MAX;
    if (*path == '[') {
        char *end;
        unsigned long i;

        if (path[1] < '0' || path[1] > '9')
            return NULL;
        i = strtoul(path + 1, &end, 0);
        if (*end != ']' || i >= UINT32_MAX)
            return NULL;
        *index = (uint32_t)i;
        path = end + 1;
    }
    return *path == '\0' || *path == '.' ? path : NULL;
}

enum sim_err sim_fields_find(const struct sim_field *table, void *object, const char *path, struct sim_field_ref *ref)
{
    const char *rest = path;

    for (;;) {
        const struct sim_field *f;
        char name[128];
        uint32_t index;
        uint8_t *at;

        rest = path_part(rest, name, sizeof(name), &index);
        if (!rest)
            return sim_fail(SIM_ERR_UNKNOWN, "%s: not a field's path, such as counter[1].reload", path);
        for (f = next_state(table); f && strcmp(f->name, name); f = next_state(f + 1))
            ;
        if (!f)
            return sim_fail(SIM_ERR_UNKNOWN, "%s: no field %s", path, name);
        if (index != UINT32_MAX && index >= f->count)
            return sim_fail(SIM_ERR_UNKNOWN, "%s: %s has %u elements", path, name, f->count);
        at = (uint8_t *)object + f->offset + (index == UINT32_MAX ? 0 : (size_t)index * f->width);
        if (*rest == '\0') {
            ref->field = f;
            ref->where = at;
            ref->count = index == UINT32_MAX ? f->count : 1;
            return SIM_OK;
        }
        if (f->kind != SIM_KIND_SUB)
            return sim_fail(SIM_ERR_UNKNOWN, "%s: %s has no members", path, name);
        if (index == UINT32_MAX && f->count > 1)
            return sim_fail(SIM_ERR_UNKNOWN, "%s: which of the %u elements of %s?", path, f->count, name);
        table = f->sub;
        object = at;
        rest++;
    }
}

uint64_t sim_field_get(const struct sim_field_ref *ref, uint32_t index)
{
    const uint8_t *at = (const uint8_t *)ref->where + (size_t)index * ref->field->width;

    assert(index < ref->count);
    switch (ref->field->kind) {
    case SIM_KIND_UINT:
    case SIM_KIND_BYTES: return uint_load(at, ref->field->width);
    case SIM_KIND_EVENT: return ((const struct sim_event *)(const void *)at)->deadline;
    default: return 0;
    }
}

void sim_field_set(const struct sim_field_ref *ref, uint32_t index, uint64_t value)
{
    const struct sim_field *f = ref->field;
    uint8_t *at = (uint8_t *)ref->where + (size_t)index * f->width;

    assert(index < ref->count);
    switch (f->kind) {
    case SIM_KIND_UINT:
    case SIM_KIND_BYTES:
        if (f->width < 8)
            value &= (UINT64_C(1) << 8 * f->width) - 1;
        uint_store(at, f->width, f->max && value > f->max ? f->max : value);
        break;
    case SIM_KIND_EVENT:
        sim_event_at((struct sim_event *)(void *)at, value);
        break;
    default:
        break;
    }
}

/* ---- The readable listing ---- */

static void format_bits(const struct sim_bits *bits, uint64_t value, struct sim_buf *out)
{
    for (; bits->name; bits++)
        sim_buf_printf(out, " %s=%" PRIu64, bits->name, sim_bits_get(value, bits->hi, bits->lo));
}

/* An array: rows of at most 16 bytes or 8 numbers; rows equal to the one before are left out and marked "*". */
static void format_array(const struct sim_field *f, const void *object, const char *prefix, const char *path,
                         struct sim_buf *out)
{
    uint32_t per_row = f->kind == SIM_KIND_BYTES || f->width == 1 ? 16 : 8;
    bool starred = false;

    for (uint32_t i = 0; i < f->count; i += per_row) {
        uint32_t n = f->count - i < per_row ? f->count - i : per_row;
        char label[300];

        if (i > 0 && n == per_row && i + n < f->count &&
            !memcmp(member_of(object, f, i), member_of(object, f, i - per_row), (size_t)per_row * f->width)) {
            if (!starred)
                sim_buf_printf(out, "%s*\n", prefix);
            starred = true;
            continue;
        }
        starred = false;
        snprintf(label, sizeof(label), "%s[%" PRIu32 "]", path, i);
        sim_buf_printf(out, "%s%-24s", prefix, label);
        for (uint32_t j = 0; j < n; j++)
            sim_buf_printf(out, " %0*" PRIx64, (int)f->width * 2, uint_load(member_of(object, f, i + j), f->width));
        if (i == 0)
            sim_buf_printf(out, "  %s", f->doc);
        sim_buf_printf(out, "\n");
    }
}

static void format_rows(const struct sim_field *table, const void *object, const char *prefix, const char *path,
                        struct sim_buf *out)
{
    for (const struct sim_field *f = next_state(table); f; f = next_state(f + 1)) {
        const void *at = member_of(object, f, 0);
        char name[256];
        uint64_t v;

        snprintf(name, sizeof(name), "%s%s", path, f->name);
        switch (f->kind) {
        case SIM_KIND_UINT:
            if (f->count > 1) {
                format_array(f, object, prefix, name, out);
                break;
            }
            v = uint_load(at, f->width);
            sim_buf_printf(out, "%s%-24s 0x%0*" PRIx64, prefix, name, (int)f->width * 2, v);
            if (f->bits)
                format_bits(f->bits, v, out);
            sim_buf_printf(out, "  %s\n", f->doc);
            break;
        case SIM_KIND_BYTES:
            format_array(f, object, prefix, name, out);
            break;
        case SIM_KIND_SUB:
            for (uint32_t i = 0; i < f->count; i++) {
                char sub[300];

                if (f->count > 1)
                    snprintf(sub, sizeof(sub), "%s[%" PRIu32 "].", name, i);
                else
                    snprintf(sub, sizeof(sub), "%s.", name);
                format_rows(f->sub, member_of(object, f, i), prefix, sub, out);
            }
            break;
        case SIM_KIND_EVENT:
            v = ((const struct sim_event *)at)->deadline;
            if (v == SIM_NEVER)
                sim_buf_printf(out, "%s%-24s never  %s\n", prefix, name, f->doc);
            else
                sim_buf_printf(out, "%s%-24s cycle %" PRIu64 "  %s\n", prefix, name, v, f->doc);
            break;
        case SIM_KIND_CUSTOM: {
            struct sim_buf bytes = SIM_BUF_INIT;

            f->custom->pack(at, &bytes);
            sim_buf_printf(out, "%s%-24s (%zu bytes)  %s\n", prefix, name, bytes.len, f->doc);
            sim_buf_fini(&bytes);
            break;
        }
        case SIM_KIND_DERIVED:
        case SIM_KIND_END:
            break;
        }
    }
}

void sim_fields_format(const struct sim_field *table, const void *object, const char *prefix, struct sim_buf *out)
{
    format_rows(table, object, prefix, "", out);
}

/* ---- Completeness: a map of bytes that says where members lie; the first of each says its alignment, too ---- */

/* The largest alignment that something of this size can have: a power of two that divides it, 8 at most. */
static uint8_t align_of_size(size_t size)
{
    uint8_t align = 1;

    while (align < 8 && size % (align * 2u) == 0)
        align *= 2;
    return align;
}

/* What makes an element's size a multiple of its alignment is the element's own, whatever comes behind it. */
static void cover_padding(uint8_t *element, size_t size)
{
    size_t end = size;

    while (end && !element[end - 1])
        end--;
    if (size - end < align_of_size(size))
        memset(element + end, 1, size - end);
}

static void cover(const struct sim_field *table, uint8_t *map, size_t size)
{
    for (const struct sim_field *f = table; f && f->kind != SIM_KIND_END; f++) {
        size_t n = (size_t)f->width * f->count;

        assert(f->offset <= size && n <= size - f->offset);
        if (f->kind == SIM_KIND_SUB)
            for (uint32_t i = 0; i < f->count; i++) {
                cover(f->sub, map + f->offset + (size_t)i * f->width, f->width);
                cover_padding(map + f->offset + (size_t)i * f->width, f->width);
            }
        else
            memset(map + f->offset, 1, n);
        if (n && map[f->offset])
            map[f->offset] = align_of_size(f->width);
    }
}

size_t sim_fields_gap_beside(const struct sim_field *table, size_t size, const uint8_t *covered)
{
    uint8_t *map = calloc(size + 1, 1);
    size_t at = 0;

    if (!map)
        sim_out_of_memory("map of a struct's bytes");
    cover(table, map, size);
    for (size_t i = 0; covered && i < size; i++)
        if (covered[i] && !map[i])
            map[i] = 8;
    map[size] = align_of_size(size);
    while (at < size) {
        size_t end = at;

        while (!map[end])
            end++;
        if (end - at >= map[end])
            break; /* more than what aligns the member behind it */
        at = end + 1;
    }
    free(map);
    return at < size ? at : size;
}

size_t sim_fields_gap(const struct sim_field *table, size_t size)
{
    return sim_fields_gap_beside(table, size, NULL);
}
