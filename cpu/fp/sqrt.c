/* Integer square roots with remainder, by halves: the root of the upper half is the upper half of the root, and one division gives the
 * lower one, too large by at most 1. INRIA 3805. */
#include "cpu/fp/round.h"

/* floor(sqrt(n << 8)) of n = 64..255. */
static const uint8_t root8[192] = {
    128, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 144, 145, 146, 147, 148, 149,
    150, 150, 151, 152, 153, 154, 155, 155, 156, 157, 158, 159, 160, 160, 161, 162, 163, 163, 164, 165, 166, 167, 167, 168,
    169, 170, 170, 171, 172, 173, 173, 174, 175, 176, 176, 177, 178, 178, 179, 180, 181, 181, 182, 183, 183, 184, 185, 185,
    186, 187, 187, 188, 189, 189, 190, 191, 192, 192, 193, 193, 194, 195, 195, 196, 197, 197, 198, 199, 199, 200, 201, 201,
    202, 203, 203, 204, 204, 205, 206, 206, 207, 208, 208, 209, 209, 210, 211, 211, 212, 212, 213, 214, 214, 215, 215, 216,
    217, 217, 218, 218, 219, 219, 220, 221, 221, 222, 222, 223, 224, 224, 225, 225, 226, 226, 227, 227, 228, 229, 229, 230,
    230, 231, 231, 232, 232, 233, 234, 234, 235, 235, 236, 236, 237, 237, 238, 238, 239, 240, 240, 241, 241, 242, 242, 243,
    243, 244, 244, 245, 245, 246, 246, 247, 247, 248, 248, 249, 249, 250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255,
};

/* n >= 2^14 */
static uint32_t sqrt16(uint32_t n, uint32_t *remainder)
{
    uint32_t s = root8[(n >> 8) - 64];

    *remainder = n - s * s;
    if (*remainder > 2 * s) { /* the 8 lower bits can add one */
        *remainder -= 2 * s + 1;
        s++;
    }
    return s;
}

/* n >= 2^30 */
static uint32_t sqrt32(uint32_t n, uint32_t *remainder)
{
    uint32_t r, s = sqrt16(n >> 16, &r), high = r << 8 | (n >> 8 & 0xff), q = high / (2 * s);
    int32_t left = (int32_t)((high - q * 2 * s) << 8 | (n & 0xff)) - (int32_t)(q * q);

    s = (s << 8) + q;
    if (left < 0) {
        left += 2 * s - 1;
        s--;
    }
    *remainder = left;
    return s;
}

uint32_t fp_sqrt64(uint64_t n, uint64_t *remainder)
{
    uint32_t r;
    uint64_t s = sqrt32(n >> 32, &r), high = (uint64_t)r << 16 | (n >> 16 & 0xffff), q = high / (2 * s);
    int64_t left = (int64_t)((high - q * 2 * s) << 16 | (n & 0xffff)) - (int64_t)(q * q);

    s = (s << 16) + q;
    if (left < 0) {
        left += 2 * s - 1;
        s--;
    }
    *remainder = left;
    return s;
}

uint64_t fp_sqrt128(fp_u128 n, fp_u128 *remainder)
{
    uint64_t r, a = n;
    uint64_t s = fp_sqrt64(n >> 64, &r);
    uint64_t half = r << 31 | a >> 33, q = half / s; /* of 65 bits: without the lowest one */
    fp_u128 u = (fp_u128)(half - q * s) << 1 | (a >> 32 & 1), root = ((fp_u128)s << 32) + q;
    __int128 left = (__int128)(u << 32 | (uint32_t)a) - (__int128)((fp_u128)q * q);

    if (left < 0) {
        left += (__int128)(2 * root - 1);
        root--;
    }
    *remainder = left;
    return root;
}
