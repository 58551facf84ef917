/*
 * State, once: the table in which a component declares its state.
 *
 * From the table come saving, restoring, hashing, inspecting and the tests of completeness. Every member
 * of a component's struct is in its table: as a field, or named as derived (rebuilt by the component's
 * `loaded`). Save what the part *is*, not how we compute it.
 *
 *     static const struct sim_field pit_fields[] = {
 *         SIM_FIELD_SUB(struct pit, counter, pit_counter_fields, "counters 0 to 2"),
 *         SIM_FIELD(struct pit, gate2, "port 61h bit 0"),
 *         SIM_FIELD_EVENT(struct pit, tick, "next change of an output"),
 *         SIM_FIELD_DERIVED(struct pit, irq0, "wire: reconnected by the machine"),
 *         SIM_FIELD_END
 *     };
 *
 * Two encodings come from a table: the packed one (values in table order, little-endian; for in-memory
 * checkpoints and digests) and the named one (the table's names, kinds, widths and counts, then the packed values;
 * for files). A NULL table is an empty one.
 *
 * Public: part of <libsim/device.h>.
 */
#ifndef LIBSIM_BASE_FIELD_H
#define LIBSIM_BASE_FIELD_H

#include "base/bits.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/types.h"

#ifdef __cplusplus
template <typename T> struct sim_is_bool_ { enum { value = 0 }; };
template <> struct sim_is_bool_<bool> { enum { value = 1 }; };
template <> struct sim_is_bool_<bool &> { enum { value = 1 }; };
#define SIM_IS_BOOL_(lvalue) sim_is_bool_<decltype(lvalue)>::value
extern "C" {
#else
#define SIM_IS_BOOL_(lvalue) _Generic((lvalue), bool: 1, default: 0)
#endif

enum sim_field_kind {
    SIM_KIND_END,
    SIM_KIND_UINT,    /* unsigned integer, bool or enum of 1, 2, 4 or 8 bytes; `count` of them */
    SIM_KIND_BYTES,   /* `count` raw bytes */
    SIM_KIND_SUB,     /* `count` structs of `width` bytes each, described by `sub` */
    SIM_KIND_EVENT,   /* a struct sim_event: its deadline is the value */
    SIM_KIND_CUSTOM,  /* of varying size: `custom` packs it */
    SIM_KIND_DERIVED  /* not state: rebuilt after a restore */
};

struct sim_field;

/* How a SIM_KIND_CUSTOM member is packed. `member` points at the member. Equal states give equal bytes. */
struct sim_field_custom {
    void (*pack)(const void *member, struct sim_buf *out);
    /* Refuses (SIM_ERR_FORMAT) what it cannot accept; the member may then be in any valid state. */
    enum sim_err (*unpack)(void *member, struct sim_reader *in);
};

struct sim_field {
    const char *name;
    const char *doc;
    const struct sim_bits *bits; /* bit fields of a register; NULL: plain number */
    const struct sim_field *sub;
    const struct sim_field_custom *custom;
    uint32_t offset;
    uint32_t width; /* bytes of one element, in this host's memory */
    uint32_t count; /* elements */
    enum sim_field_kind kind;
    uint64_t max; /* UINT: a larger value is refused when it is read back; 0: any value. 1 for a bool */
};

#define SIM_FIELD_SIZE_(type, member) ((uint32_t)sizeof(((type *)0)->member))
#define SIM_FIELD_ROW_(type, member, kind_, width_, count_, bits_, sub_, custom_, doc_) \
    SIM_FIELD_ROW_MAX_(type, member, kind_, width_, count_, bits_, sub_, custom_, 0, doc_)
#define SIM_FIELD_ROW_MAX_(type, member, kind_, width_, count_, bits_, sub_, custom_, max_, doc_)                \
    {                                                                                                            \
        .name = #member, .doc = doc_, .bits = bits_, .sub = sub_, .custom = custom_,                             \
        .offset = (uint32_t)offsetof(type, member), .width = (uint32_t)(width_), .count = (uint32_t)(count_),    \
        .kind = kind_, .max = max_                                                                               \
    }

/* One unsigned number (uintN_t, bool, enum). */
#define SIM_FIELD(type, member, doc) \
    SIM_FIELD_MAX(type, member, SIM_IS_BOOL_(((type *)0)->member), doc)
/* One unsigned number of at most `max_`, such as an index into an array: what is read back from a file is as hostile
 * as the file, and `loaded` cannot refuse. */
#define SIM_FIELD_MAX(type, member, max_, doc)                                                                   \
    SIM_FIELD_ROW_MAX_(type, member, SIM_KIND_UINT, SIM_FIELD_SIZE_(type, member), 1, NULL, NULL, NULL, max_, doc)
/* A register with named bits: `bits_` is a table made by SIM_BITS_DEFINE. */
#define SIM_FIELD_BITS(type, member, bits_, doc) \
    SIM_FIELD_ROW_(type, member, SIM_KIND_UINT, SIM_FIELD_SIZE_(type, member), 1, bits_, NULL, NULL, doc)
/* An array of unsigned numbers. */
#define SIM_FIELD_ARRAY(type, member, doc)                                                                       \
    SIM_FIELD_ROW_MAX_(type, member, SIM_KIND_UINT, sizeof(((type *)0)->member[0]),                              \
                       SIM_FIELD_SIZE_(type, member) / sizeof(((type *)0)->member[0]), NULL, NULL, NULL,         \
                       SIM_IS_BOOL_(((type *)0)->member[0]), doc)
/* An array of bytes shown as a dump, not as numbers. */
#define SIM_FIELD_BYTES(type, member, doc) \
    SIM_FIELD_ROW_(type, member, SIM_KIND_BYTES, 1, SIM_FIELD_SIZE_(type, member), NULL, NULL, NULL, doc)
/* One struct, or an array of structs, with a table of its own. */
#define SIM_FIELD_STRUCT(type, member, sub_, doc) \
    SIM_FIELD_ROW_(type, member, SIM_KIND_SUB, SIM_FIELD_SIZE_(type, member), 1, NULL, sub_, NULL, doc)
#define SIM_FIELD_SUB(type, member, sub_, doc)                                                                  \
    SIM_FIELD_ROW_(type, member, SIM_KIND_SUB, sizeof(((type *)0)->member[0]),                                   \
                   SIM_FIELD_SIZE_(type, member) / sizeof(((type *)0)->member[0]), NULL, sub_, NULL, doc)
#define SIM_FIELD_EVENT(type, member, doc) \
    SIM_FIELD_ROW_(type, member, SIM_KIND_EVENT, sizeof(struct sim_event), 1, NULL, NULL, NULL, doc)
#define SIM_FIELD_CUSTOM(type, member, custom_, doc) \
    SIM_FIELD_ROW_(type, member, SIM_KIND_CUSTOM, SIM_FIELD_SIZE_(type, member), 1, NULL, NULL, custom_, doc)
#define SIM_FIELD_DERIVED(type, member, doc) \
    SIM_FIELD_ROW_(type, member, SIM_KIND_DERIVED, SIM_FIELD_SIZE_(type, member), 1, NULL, NULL, NULL, doc)
#define SIM_FIELD_END { .kind = SIM_KIND_END }

/* Appends the packed values. */
void sim_fields_pack(const struct sim_field *table, const void *object, struct sim_buf *out);
/* Reads packed values back; events are re-armed. SIM_ERR_FORMAT when the data ends early or a value is refused; the
 * object is then partly changed. Other components' packed values may follow in the reader. */
enum sim_err sim_fields_unpack(const struct sim_field *table, void *object, struct sim_reader *in);

/* Appends the named encoding. */
void sim_fields_save(const struct sim_field *table, const void *object, struct sim_buf *out);
/* Reads the named encoding: refuses (SIM_ERR_FORMAT, naming the field) a missing or unknown field, another width or
 * count, or a value above its `max`, before it changes anything. Only a custom member that refuses its bytes is found
 * out on the way; the object is then partly changed. */
enum sim_err sim_fields_load(const struct sim_field *table, void *object, struct sim_reader *in);

/* One value found by path: "counter[1].reload". */
struct sim_field_ref {
    const struct sim_field *field;
    void *where;
    uint32_t count; /* elements at `where`; 1 when the path names one */
};
/* SIM_ERR_UNKNOWN when the table has no such path. Derived members are not found. */
enum sim_err sim_fields_find(const struct sim_field *table, void *object, const char *path, struct sim_field_ref *ref);
/* UINT, BYTES and EVENT; index < ref->count. Other kinds: 0, and no effect. */
uint64_t sim_field_get(const struct sim_field_ref *ref, uint32_t index);
/* Cut to the field's width, then to its `max`. An event is armed or (SIM_NEVER) disarmed. */
void sim_field_set(const struct sim_field_ref *ref, uint32_t index, uint64_t value);

/* Appends a readable listing: a line per value, bit fields decoded, `prefix` before each line. */
void sim_fields_format(const struct sim_field *table, const void *object, const char *prefix, struct sim_buf *out);

/* For tests: the offset of the first byte of an object of `size` bytes that no row covers and that cannot be padding,
 * being more than aligns the member behind it; `size` when all are covered. Small members just before an aligned one can
 * go unnoticed. `covered`, which may be NULL, has `size` bytes: non-zero where the caller accounts for a byte by other
 * means. */
size_t sim_fields_gap(const struct sim_field *table, size_t size);
size_t sim_fields_gap_beside(const struct sim_field *table, size_t size, const uint8_t *covered);

/* A component: something with state that is saved, restored, hashed and shown. */
struct sim_component {
    const char *name;  /* unique in the machine */
    uint32_t version;  /* of the table; a file with another version is refused */
    const struct sim_field *fields;
    void *object;
    void (*settle)(void *object); /* or NULL: bring lazy values into their canonical form (no visible change) */
    void (*loaded)(void *object); /* or NULL: rebuild what is derived, after a restore */
};

#ifdef __cplusplus
}
#endif
#endif
