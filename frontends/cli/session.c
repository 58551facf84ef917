/*
 * The monitor at a terminal: reads lines, with editing, history and completion where libedit is there, and hands them to the library.
 */
#include "frontends/cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#ifdef HAVE_LIBEDIT
#include <histedit.h>
#endif

#define PROMPT "(sim) "

static void print_text(void *arg, const char *text, size_t len)
{
    serial_end_line(arg);
    fwrite(text, 1, len, stdout);
}

/* ---- Reading a line ---- */

struct session {
    struct cli *cli;
    char *last;        /* an empty line repeats it */
    bool abandoned;    /* Ctrl-C: the line does not count */
#ifdef HAVE_LIBEDIT
    EditLine *edit;
    History *history;
#endif
};

/* A byte from the terminal, while window and gdb are looked after. -1: the end. */
static int read_byte(struct session *s)
{
    unsigned char c;
    ssize_t got;

    for (;;) {
        struct pollfd ready = { .fd = STDIN_FILENO, .events = POLLIN };
        int any = poll(&ready, 1, display_wants_service(s->cli) ? 30 : -1);

        display_service(s->cli, true);
        if (cli_signal == SIGINT) {
            cli_signal = 0;
            s->abandoned = true;
            return '\n';
        }
        if (cli_signal || s->cli->leaving)
            return -1;
        if (any <= 0)
            continue;
        got = read(STDIN_FILENO, &c, 1);
        if (got == 1)
            return c;
        if (got == 0 || errno != EINTR)
            return -1;
    }
}

#ifdef HAVE_LIBEDIT

static int get_character(EditLine *edit, wchar_t *out)
{
    struct session *s;
    mbstate_t state = { 0 };

    el_get(edit, EL_CLIENTDATA, &s);
    for (;;) {
        int c = read_byte(s);
        char byte = (char)c;
        size_t used;

        if (c < 0)
            return 0;
        used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-2)
            continue;
        if (used == (size_t)-1)
            *out = L'?';
        return 1;
    }
}

static char *prompt(EditLine *edit)
{
    (void)edit;
    return (char *)PROMPT;
}

/* The longest beginning that all completions share goes in; if that is what stands there already, they are listed. */
static unsigned char complete(EditLine *edit, int key)
{
    const LineInfo *info = el_line(edit);
    size_t len = (size_t)(info->cursor - info->buffer), typed;
    char *line = strndup(info->buffer, len), common[256] = "";
    const char *word, *one;
    struct session *s;
    unsigned count = 0;

    (void)key;
    el_get(edit, EL_CLIENTDATA, &s);
    if (!line)
        return CC_ERROR;
    word = strrchr(line, ' ');
    typed = strlen(word ? word + 1 : line);
    for (; (one = sim_complete(s->cli->sim, line, count)) != NULL; count++) {
        size_t same = 0;

        if (!count)
            snprintf(common, sizeof(common), "%s", one);
        while (common[same] && common[same] == one[same])
            same++;
        common[same] = 0;
    }
    if (count == 1 && strlen(common) + 1 < sizeof(common))
        strcat(common, " ");
    if (strlen(common) > typed) {
        free(line);
        return el_insertstr(edit, common + typed) ? CC_ERROR : CC_REFRESH;
    }
    if (count)
        putchar('\n');
    for (unsigned n = 0; n < count && n < 100; n++)
        printf("%s%s", sim_complete(s->cli->sim, line, n), n % 6 == 5 || n + 1 == count ? "\n" : "  ");
    free(line);
    return count ? CC_REDISPLAY : CC_ERROR;
}

static void open_editor(struct session *s)
{
    HistEvent event;

    setlocale(LC_CTYPE, "");
    s->edit = el_init("sim", stdin, stdout, stderr);
    s->history = history_init();
    if (!s->edit || !s->history)
        return;
    history(s->history, &event, H_SETSIZE, 500);
    history(s->history, &event, H_SETUNIQUE, 1);
    el_set(s->edit, EL_CLIENTDATA, s);
    el_set(s->edit, EL_PROMPT, prompt);
    el_set(s->edit, EL_EDITOR, "emacs");
    el_set(s->edit, EL_HIST, history, s->history);
    el_set(s->edit, EL_ADDFN, "sim-complete", "complete a word", complete);
    el_set(s->edit, EL_BIND, "^I", "sim-complete", NULL);
    el_set(s->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(s->edit, EL_GETCFN, get_character);
}

static void close_editor(struct session *s)
{
    if (s->history)
        history_end(s->history);
    if (s->edit)
        el_end(s->edit);
}

/* libedit prints its prompt before it sets the terminal; what is typed in between must not be taken for lines, nor Ctrl-D for their end. */
static void expect_keys(void)
{
    struct termios mode;

    if (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &mode) != 0)
        return;
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

/* Owned by the caller; NULL at the end. */
static char *read_line(struct session *s)
{
    HistEvent event;
    const char *line;
    int len;

    if (!s->edit || !s->history)
        return NULL;
    expect_keys();
    line = el_gets(s->edit, &len);
    if (!line || len <= 0)
        return NULL;
    if (!s->abandoned && *line != '\n')
        history(s->history, &event, H_ENTER, line);
    return strdup(line);
}

#else

static void open_editor(struct session *s)
{
    (void)s;
}

static void close_editor(struct session *s)
{
    (void)s;
}

static char *read_line(struct session *s)
{
    char line[1024];
    size_t len = 0;
    int c;

    fputs(PROMPT, stdout);
    fflush(stdout);
    while ((c = read_byte(s)) >= 0) {
        if (len < sizeof(line) - 1 && c != '\n')
            line[len++] = (char)c;
        if (c == '\n')
            break;
    }
    line[len] = 0;
    return c < 0 && !len ? NULL : strdup(line);
}

#endif

/* ---- Commands ---- */

enum sim_err session_command(struct cli *cli, const char *line)
{
    enum sim_err err;

    signals_interrupt(cli->sim);
    err = sim_command(cli->sim, line, print_text, cli);
    signals_interrupt(NULL);
    terminal_cooked();
    serial_end_line(cli);
    if (err)
        printf("%s\n", sim_last_error());
    fflush(stdout);
    return err;
}

static bool is_continue(const char *line)
{
    return strcmp(line, "continue") == 0 || strcmp(line, "c") == 0 || strcmp(line, "cont") == 0;
}

/* Those worth repeating by an empty line: looking at what comes next, and going on. */
static bool repeats(const char *line)
{
    static const char *const words[] = { "s", "step", "si", "stepi", "n", "next", "ni", "nexti", "rs", "reverse-step", "rsi", "reverse-stepi", "rn",
                                         "reverse-next", "c", "continue", "cont", "rc", "reverse-continue", "x", "xp", "u", "until", NULL };
    size_t len = strcspn(line, " \t/");

    for (unsigned n = 0; words[n]; n++)
        if (strlen(words[n]) == len && strncmp(words[n], line, len) == 0)
            return true;
    return false;
}

/* Repeating x goes on where it stopped, so its address is left off. */
static void remember(struct session *s, const char *line)
{
    char *copy = repeats(line) ? strdup(line) : NULL;

    free(s->last);
    s->last = copy;
    if (copy && *copy == 'x' && strpbrk(copy, " \t"))
        *strpbrk(copy, " \t") = 0;
}

/* False: the session is over. */
static bool one_line(struct session *s)
{
    char *line, *text;

    s->abandoned = false;
    line = read_line(s);
    if (!line) {
        putchar('\n');
        return false;
    }
    line[strcspn(line, "\r\n")] = 0;
    text = line + strspn(line, " \t");
    if (s->abandoned) {
        putchar('\n');
    } else if (*text || s->last) {
        if (*text)
            remember(s, text);
        else
            text = s->last;
        if (is_continue(text))
            run_interactive(s->cli);
        else
            session_command(s->cli, text);
    }
    free(line);
    return !sim_wants_quit(s->cli->sim) && !s->cli->leaving && !s->cli->finished;
}

void session_run(struct cli *cli)
{
    struct session s = { .cli = cli };

    open_editor(&s);
    while (one_line(&s))
        ;
    close_editor(&s);
    free(s.last);
}
