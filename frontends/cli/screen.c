/*
 * The guest's text screen in the terminal. It takes the upper part; below a line with the state, COM1 scrolls as ever if it leads to the
 * terminal too. Only cells that have changed are drawn.
 */
#include "frontends/cli/display.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_CELLS (132 * 60)
#define SERIAL_ROWS 5      /* kept for COM1 at least */

struct screen {
    bool shown;              /* the terminal is divided */
    unsigned rows, columns;  /* of the terminal */
    unsigned text_rows;      /* of them for the guest's screen */
    unsigned top;            /* its first row that is shown: more than fit follow the cursor */
    uint16_t cell[MAX_CELLS]; /* what stands in the terminal, by the guest's row and column */
    uint32_t guest_columns, guest_rows;
    bool drawn;              /* `cell` is valid */
    char state[160];
    char *out;               /* gathered, for one write */
    size_t len, cap;
};

/* ---- Gathering ---- */

static void put(struct screen *s, const char *text, size_t len)
{
    if (s->len + len > s->cap) {
        size_t cap = (s->len + len) * 2 + 4096;
        char *grown = realloc(s->out, cap);

        if (!grown)
            return;
        s->out = grown;
        s->cap = cap;
    }
    memcpy(s->out + s->len, text, len);
    s->len += len;
}

static void put_text(struct screen *s, const char *text)
{
    put(s, text, strlen(text));
}

static void put_position(struct screen *s, unsigned row, unsigned column)
{
    char text[32];

    put(s, text, (size_t)snprintf(text, sizeof(text), "\033[%u;%uH", row, column));
}

static void flush(struct screen *s)
{
    size_t sent = 0;

    while (sent < s->len) {
        ssize_t n = write(STDOUT_FILENO, s->out + sent, s->len - sent);

        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    s->len = 0;
}

/* ---- Characters of code page 437, and colours of the VGA ---- */

static const char *const low[32] = {
    " ", "☺", "☻", "♥", "♦", "♣", "♠", "•", "◘", "○", "◙", "♂", "♀", "♪", "♫", "☼",
    "►", "◄", "↕", "‼", "¶", "§", "▬", "↨", "↑", "↓", "→", "←", "∟", "↔", "▲", "▼"
};
static const char *const high[129] = {
    "⌂", "Ç", "ü", "é", "â", "ä", "à", "å", "ç", "ê", "ë", "è", "ï", "î", "ì", "Ä", "Å", "É", "æ", "Æ", "ô", "ö", "ò", "û", "ù", "ÿ",
    "Ö", "Ü", "¢", "£", "¥", "₧", "ƒ", "á", "í", "ó", "ú", "ñ", "Ñ", "ª", "º", "¿", "⌐", "¬", "½", "¼", "¡", "«", "»", "░", "▒", "▓",
    "│", "┤", "╡", "╢", "╖", "╕", "╣", "║", "╗", "╝", "╜", "╛", "┐", "└", "┴", "┬", "├", "─", "┼", "╞", "╟", "╚", "╔", "╩", "╦", "╠",
    "═", "╬", "╧", "╨", "╤", "╥", "╙", "╘", "╒", "╓", "╫", "╪", "┘", "┌", "█", "▄", "▌", "▐", "▀", "α", "ß", "Γ", "π", "Σ", "σ", "µ",
    "τ", "Φ", "Θ", "Ω", "δ", "∞", "φ", "ε", "∩", "≡", "±", "≥", "≤", "⌠", "⌡", "÷", "≈", "°", "∙", "·", "√", "ⁿ", "²", "■", " "
};

static void put_cell(struct screen *s, uint16_t cell)
{
    unsigned char c = (unsigned char)cell;

    if (c < 0x20)
        put_text(s, low[c]);
    else if (c >= 0x7f)
        put_text(s, high[c - 0x7f]);
    else
        put(s, (const char *)&c, 1);
}

static void put_colours(struct screen *s, unsigned attribute)
{
    static const unsigned char ansi[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };
    char text[32];
    unsigned front = ansi[attribute & 7] + (attribute & 8 ? 90 : 30), back = ansi[attribute >> 4 & 7] + (attribute & 0x80 ? 100 : 40);

    put(s, text, (size_t)snprintf(text, sizeof(text), "\033[0;%u;%um", front, back));
}

/* ---- Drawing ---- */

static void draw_cells(struct screen *s, const uint16_t *cells, uint32_t columns, uint32_t rows)
{
    unsigned attribute = 0x100, last_row = 0, last_column = 0;

    for (unsigned r = 0; r < s->text_rows && s->top + r < rows; r++)
        for (unsigned c = 0; c < columns && c < s->columns; c++) {
            unsigned at = (s->top + r) * columns + c;

            if (s->drawn && s->cell[at] == cells[at])
                continue;
            if (last_row != r + 1 || last_column != c)
                put_position(s, r + 1, c + 1);
            if (attribute != (unsigned)cells[at] >> 8)
                put_colours(s, attribute = cells[at] >> 8);
            put_cell(s, cells[at]);
            last_row = r + 1;
            last_column = c + 1;
        }
    memcpy(s->cell, cells, sizeof(cells[0]) * columns * rows);
}

static void draw_state(struct cli *cli, struct screen *s, bool stopped)
{
    char text[sizeof(s->state)];

    snprintf(text, sizeof(text), " %s %.0f M steps | keys go to %s (Ctrl-A k) | Ctrl-C: monitor ", stopped ? "stopped," : "running,",
             (double)sim_position(cli->sim).step / 1e6, cli->keys_to_keyboard ? "the keyboard" : "COM1");
    if (s->drawn && strcmp(text, s->state) == 0)
        return;
    strcpy(s->state, text);
    put_position(s, s->text_rows + 1, 1);
    put_text(s, "\033[0;7m\033[K");
    put(s, text, strlen(text) < s->columns ? strlen(text) : s->columns);
    put_text(s, "\033[0m");
}

/* Follows the cursor when there are more rows than fit. */
static void scroll_to(struct screen *s, uint32_t rows, int cursor_row)
{
    unsigned top = 0;

    if (rows > s->text_rows && cursor_row >= 0) {
        top = s->top;
        if ((unsigned)cursor_row < top)
            top = (unsigned)cursor_row;
        if ((unsigned)cursor_row >= top + s->text_rows)
            top = (unsigned)cursor_row - s->text_rows + 1;
        if (top + s->text_rows > rows)
            top = rows - s->text_rows;
    }
    if (top != s->top)
        s->drawn = false;
    s->top = top;
}

static void divide(struct cli *cli, struct screen *s)
{
    char text[64];
    bool serial = serial_on_stdio(cli) >= 0;

    s->text_rows = s->rows - 1 - (serial ? SERIAL_ROWS : 0);
    if (s->text_rows > 25)
        s->text_rows = s->guest_rows > 25 ? (s->guest_rows < s->text_rows ? s->guest_rows : s->text_rows) : 25;
    put_position(s, s->rows, 1);
    for (unsigned n = 0; n < s->rows; n++)
        put_text(s, "\n"); /* what stood there is scrolled away, not lost */
    put_text(s, "\033[0m\033[2J");
    put(s, text, (size_t)snprintf(text, sizeof(text), "\033[%u;%ur\033[%u;1H", s->text_rows + 2 > s->rows ? s->rows : s->text_rows + 2, s->rows, s->text_rows + 2));
    s->shown = true;
    s->drawn = false;
    s->top = 0;
}

static bool terminal_size(struct screen *s)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 10 || size.ws_col < 40)
        return false;
    if (size.ws_row != s->rows || size.ws_col != s->columns)
        s->shown = false;
    s->rows = size.ws_row;
    s->columns = size.ws_col;
    return true;
}

struct screen *screen_open(void)
{
    struct screen *s = calloc(1, sizeof(*s));

    if (s && !terminal_size(s)) {
        free(s);
        return NULL;
    }
    return s;
}

void screen_service(struct cli *cli, bool stopped)
{
    struct screen *s = cli->screen;
    uint16_t cells[MAX_CELLS];
    uint32_t columns, rows;
    int cursor_column = -1, cursor_row = -1;
    bool text = sim_text_screen(cli->sim, &columns, &rows, cells, MAX_CELLS, &cursor_column, &cursor_row) == SIM_OK && columns * rows <= MAX_CELLS;

    if (stopped || !terminal_size(s))
        return;
    if (text && (columns != s->guest_columns || rows != s->guest_rows)) {
        s->guest_columns = columns;
        s->guest_rows = rows;
        s->shown = false;
    }
    put_text(s, "\0337\033[?25l");
    if (!s->shown) {
        s->len = 0;
        divide(cli, s);
        put_text(s, "\0337\033[?25l");
    }
    if (text) {
        scroll_to(s, rows, cursor_row);
        draw_cells(s, cells, columns, rows);
    }
    draw_state(cli, s, stopped);
    put_text(s, "\0338");
    if (serial_on_stdio(cli) < 0 && text && cursor_row >= 0 && (unsigned)cursor_row - s->top < s->text_rows)
        put_position(s, (unsigned)cursor_row - s->top + 1, (unsigned)cursor_column + 1);
    put_text(s, "\033[?25h");
    s->drawn = text;
    flush(s);
}

void screen_suspend(struct screen *s)
{
    char text[32];

    if (!s->shown)
        return;
    put(s, text, (size_t)snprintf(text, sizeof(text), "\033[0m\033[r\033[%u;1H\033[?25h\n", s->rows));
    flush(s);
    s->shown = false;
}

void screen_close(struct screen *s)
{
    if (!s)
        return;
    screen_suspend(s);
    free(s->out);
    free(s);
}
