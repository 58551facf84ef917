/* Memory that the log tells: what has changed since the last look. */
#include "testcases/oracle/system/harness.h"

enum { MAX_WATCHED = 2048 };
static u32 seen[MAX_WATCHED];
static bool told[MAX_WATCHED];

void watch_begin(const struct watched *areas, unsigned count)
{
    for (unsigned n = 0; n < MAX_WATCHED; n++)
        told[n] = false;
    watch_look(areas, count, false);
}

void watch_look(const struct watched *areas, unsigned count, bool tell)
{
    u32 *was = seen;

    for (unsigned n = 0; n < count; n++)
        for (u32 at = areas[n].at, end = at + areas[n].dwords * 4; at < end; at += 4, was++) {
            u32 now = get32(at);

            if (now == *was)
                continue;
            if (tell) {
                say(" m");
                say_hex(at);
                say("=");
                say_hex(now);
                if (!told[was - seen]) {
                    say(":");
                    say_hex(*was);
                }
            }
            told[was - seen] = tell;
            *was = now;
        }
}
