#include "cpu/delivery.h"

struct cause {
    const char *id, *text;
};

static const struct cause causes[CPU_CAUSE_COUNT] = {
    [CPU_CAUSE_NONE] = { "-", "No cause was recorded." },
#define CAUSE(id, text_id, vector, text) [CPU_CAUSE_##id] = { text_id, text },
#include "cpu/causes.def"
#undef CAUSE
};

/* A restored record may hold any number. */
static const struct cause *find(enum cpu_cause cause)
{
    return &causes[(unsigned)cause < CPU_CAUSE_COUNT ? cause : CPU_CAUSE_NONE];
}

const char *cpu_cause_id(enum cpu_cause cause)
{
    return find(cause)->id;
}

const char *cpu_cause_text(enum cpu_cause cause)
{
    return find(cause)->text;
}
