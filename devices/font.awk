# Makes the C table of the glyphs in font.txt; its head explains the commands. Any POSIX awk.

function fail(text)
{
    printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
    failed = 1
    exit 1
}


# Dots are 1; absent ones count as 0.
function begin_glyph(name)
{
    if (name in known)
        fail(name " is drawn twice")
    known[name] = 1
}

function fill(name, x0, y0, x1, y1,    x, y)
{
    for (y = y0; y <= y1; y++)
        for (x = x0; x <= x1; x++)
            dot[name, x, y] = 1
}

# How far an arm reaches towards and past the middle: to the near, the middle or the far line of the arm it meets.
# side: weight of the crossing arm on this stroke's side; other: on the other side; near, middle, far: its lines.
function reach(side, other, near, middle, far)
{
    if (side == 2)
        return near
    if (side == 1)
        return middle
    return other == 1 ? middle : far
}

# A single arm meets crossing arms a and b; it goes on if the opposite arm exists, else stops at what it meets.
function single_reach(a, b, opposite, near, middle, far)
{
    if (a < 2 && b < 2)
        return middle
    return opposite == 0 && a == 2 && b == 2 ? near : far
}

# Single upright lines are columns 3 and 4, double ones 2 and 5; single level lines row 7, double ones 6 and 8.
function lines(name, up, down, left, right)
{
    if (up == 1)
        fill(name, 3, 0, 4, single_reach(left, right, down, 6, 7, 8))
    if (down == 1)
        fill(name, 3, single_reach(left, right, up, 8, 7, 6), 4, 15)
    if (left == 1)
        fill(name, 0, 7, single_reach(up, down, right, 2, 4, 5), 7)
    if (right == 1)
        fill(name, single_reach(up, down, left, 5, 3, 2), 7, 7, 7)
    if (up == 2) {
        fill(name, 2, 0, 2, reach(left, right, 6, 7, 8))
        fill(name, 5, 0, 5, reach(right, left, 6, 7, 8))
    }
    if (down == 2) {
        fill(name, 2, reach(left, right, 8, 7, 6), 2, 15)
        fill(name, 5, reach(right, left, 8, 7, 6), 5, 15)
    }
    if (left == 2) {
        fill(name, 0, 6, reach(up, down, 2, 4, 5), 6)
        fill(name, 0, 8, reach(down, up, 2, 4, 5), 8)
    }
    if (right == 2) {
        fill(name, reach(up, down, 5, 3, 2), 6, 7, 6)
        fill(name, reach(down, up, 5, 3, 2), 8, 7, 8)
    }
}

rows_left > 0 {
    if (NF != glyphs)
        fail("expected " glyphs " glyphs in a row")
    for (i = 1; i <= NF; i++) {
        if ($i !~ /^[.#]+$/ || length($i) != 8)
            fail("a row of a glyph is 8 of . and #: " $i)
        for (x = 0; x < 8; x++)
            if (substr($i, x + 1, 1) == "#")
                dot[band[i], x, 16 - rows_left] = 1
    }
    rows_left--
    next
}

/^#/ || NF == 0 { next }

$1 == "draw" {
    glyphs = NF - 1
    rows_left = 16
    for (i = 1; i <= glyphs; i++) {
        band[i] = $(i + 1)
        begin_glyph(band[i])
    }
    next
}

$1 == "blank" {
    for (i = 2; i <= NF; i++)
        begin_glyph($i)
    next
}

$1 !~ /^(join|lines|shade|fill)$/ { fail("unknown command " $1) }

{ begin_glyph($2) }

$1 == "join" {
    for (i = 3; i <= NF; i++) {
        if (!($i in known))
            fail($i " is not drawn yet")
        for (y = 0; y < 16; y++)
            for (x = 0; x < 8; x++)
                if (($i, x, y) in dot)
                    dot[$2, x, y] = 1
    }
}

$1 == "lines" {
    split("", arm)
    for (i = 3; i <= NF; i++) {
        if ($i !~ /^(up|down|left|right)[12]$/)
            fail("not an arm: " $i)
        arm[substr($i, 1, length($i) - 1)] = substr($i, length($i)) + 0
    }
    lines($2, arm["up"] + 0, arm["down"] + 0, arm["left"] + 0, arm["right"] + 0)
}

# Three quarters are one quarter turned inside out.
$1 == "shade" {
    for (y = 0; y < 16; y++)
        for (x = 0; x < 8; x++)
            if ($3 == 2 ? (x + y) % 2 == 0 : ((x + 2 * y) % 4 == 0) == ($3 == 1))
                dot[$2, x, y] = 1
}

$1 == "fill" { fill($2, $3 + 0, $4 + 0, $5 + 0, $6 + 0) }

END {
    if (failed)
        exit 1
    if (rows_left > 0) {
        print FILENAME ": the last band is cut off" > "/dev/stderr"
        exit 1
    }
    print "/* Made by font.awk from font.txt. */"
    print "#include \"devices/font.h\"\n"
    print "const uint8_t font_8x16[256][FONT_HEIGHT] = {"
    for (code = 0; code < 256; code++) {
        name = sprintf("%02X", code)
        if (!(name in known)) {
            fill(name, 1, 2, 6, 11)
            for (y = 3; y <= 10; y++)
                for (x = 2; x <= 5; x++)
                    delete dot[name, x, y]
        }
        line = "    {"
        for (y = 0; y < 16; y++) {
            byte = 0
            for (x = 0; x < 8; x++)
                byte = 2 * byte + ((name, x, y) in dot)
            line = line sprintf(" 0x%02X%s", byte, y < 15 ? "," : " }")
        }
        print line (code < 255 ? "," : "") " /* " name " */"
    }
    print "};"
}
