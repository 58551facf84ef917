/* The font of text mode without firmware: code page 437, 8 x 16, drawn in font.txt. Bit 7 is the left dot. */
#ifndef LIBSIM_DEVICES_FONT_H
#define LIBSIM_DEVICES_FONT_H

#include <stdint.h>

#define FONT_HEIGHT 16

extern const uint8_t font_8x16[256][FONT_HEIGHT];

#endif
