/*
 * What the tests of the program `sim` need and not every host has:
 *
 *     cli-helper json             reads lines, each a JSON object; says how many
 *     cli-helper pty PROGRAM ...  runs a program in a terminal; standard input says what to do there:
 *                                     expect TEXT   wait until it was printed
 *                                     send TEXT     type it; \r \n \t \xNN \\ as in C
 *                                     status N      wait for the end, with this exit status
 *
 * Exit status 0 when all was as it should be; else a line on standard error says what was not.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* ---- JSON: RFC 8259 ---- */

static const char *value(const char *s, unsigned depth);

static const char *blanks(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

static const char *string(const char *s)
{
    if (*s++ != '"')
        return NULL;
    for (; *s != '"'; s++) {
        if ((unsigned char)*s < 0x20)
            return NULL;
        if (*s != '\\')
            continue;
        s++;
        if (*s == 'u') {
            for (int n = 0; n < 4; n++)
                if (!isxdigit((unsigned char)*++s))
                    return NULL;
        } else if (!*s || !strchr("\"\\/bfnrt", *s)) {
            return NULL;
        }
    }
    return s + 1;
}

static const char *number(const char *s)
{
    s += *s == '-';
    if (!isdigit((unsigned char)*s) || (*s == '0' && isdigit((unsigned char)s[1])))
        return NULL;
    s += strspn(s, "0123456789");
    if (*s == '.') {
        if (!isdigit((unsigned char)*++s))
            return NULL;
        s += strspn(s, "0123456789");
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '+' || *s == '-';
        if (!isdigit((unsigned char)*s))
            return NULL;
        s += strspn(s, "0123456789");
    }
    return s;
}

static const char *members(const char *s, char end, unsigned depth)
{
    s = blanks(s + 1);
    if (*s == end)
        return s + 1;
    for (;;) {
        if (end == '}') {
            s = string(s);
            s = s ? blanks(s) : NULL;
            if (!s || *s++ != ':')
                return NULL;
        }
        s = value(s, depth + 1);
        if (!s)
            return NULL;
        s = blanks(s);
        if (*s == end)
            return s + 1;
        if (*s++ != ',')
            return NULL;
        s = blanks(s);
    }
}

static const char *value(const char *s, unsigned depth)
{
    static const char *const words[] = { "true", "false", "null" };

    s = blanks(s);
    if (depth > 100)
        return NULL;
    if (*s == '{' || *s == '[')
        return members(s, *s == '{' ? '}' : ']', depth);
    if (*s == '"')
        return string(s);
    for (unsigned n = 0; n < 3; n++)
        if (strncmp(s, words[n], strlen(words[n])) == 0)
            return s + strlen(words[n]);
    return number(s);
}

static int check_json(void)
{
    char *line = NULL;
    size_t cap = 0, count = 0;

    while (getline(&line, &cap, stdin) > 0) {
        const char *end = line[0] == '{' ? value(line, 0) : NULL;

        count++;
        if (!end || *blanks(end)) {
            fprintf(stderr, "line %zu is no JSON object: %s", count, line);
            free(line);
            return 1;
        }
    }
    free(line);
    printf("%zu\n", count);
    return 0;
}

/* ---- A terminal ---- */

#define PATIENCE 30 /* seconds that an expected text may take */

static int terminal;
static pid_t child;
static char *said;
static size_t said_len, seen; /* what was expected up to here was there */

static bool pump(int ms)
{
    struct pollfd ready = { .fd = terminal, .events = POLLIN };
    char bytes[4096];
    ssize_t got;

    if (poll(&ready, 1, ms) <= 0)
        return true;
    got = read(terminal, bytes, sizeof(bytes));
    if (got <= 0)
        return false;
    said = realloc(said, said_len + (size_t)got + 1);
    if (!said)
        exit(1);
    memcpy(said + said_len, bytes, (size_t)got);
    said_len += (size_t)got;
    said[said_len] = 0;
    return true;
}

static bool expect(const char *text)
{
    time_t end = time(NULL) + PATIENCE;

    for (;;) {
        char *at = said ? memmem(said + seen, said_len - seen, text, strlen(text)) : NULL;

        if (at) {
            seen = (size_t)(at - said) + strlen(text);
            return true;
        }
        if (time(NULL) > end || !pump(100)) {
            at = said ? memmem(said + seen, said_len - seen, text, strlen(text)) : NULL;
            if (at)
                continue;
            fprintf(stderr, "expected '%s', but there was:\n%s\n", text, said ? said + seen : "");
            return false;
        }
    }
}

static size_t unescape(char *text)
{
    char *to = text;

    for (char *at = text; *at; at++) {
        if (*at != '\\') {
            *to++ = *at;
            continue;
        }
        at++;
        if (*at == 'x') {
            char hex[3] = { at[1], at[1] ? at[2] : 0, 0 };

            *to++ = (char)strtoul(hex, NULL, 16);
            at += 2;
        } else {
            *to++ = (char)(*at == 'r' ? '\r' : *at == 'n' ? '\n' : *at == 't' ? '\t' : *at);
        }
    }
    *to = 0;
    return (size_t)(to - text);
}

static bool ended_with(int wanted)
{
    time_t end = time(NULL) + PATIENCE;
    int status;

    while (waitpid(child, &status, WNOHANG) == 0) {
        pump(20);
        if (time(NULL) > end) {
            fprintf(stderr, "the program does not end; it said:\n%s\n", said ? said + seen : "");
            return false;
        }
    }
    child = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == wanted)
        return true;
    fprintf(stderr, "the program ended with %s %d, not %d; it said:\n%s\n", WIFEXITED(status) ? "status" : "signal",
            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), wanted, said ? said : "");
    return false;
}

static bool follow(char *line)
{
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "expect ", 7) == 0)
        return expect(line + 7);
    if (strncmp(line, "send ", 5) == 0) {
        size_t len = unescape(line + 5);

        return write(terminal, line + 5, len) == (ssize_t)len;
    }
    if (strncmp(line, "status ", 7) == 0)
        return ended_with(atoi(line + 7));
    if (!*line || *line == '#')
        return true;
    fprintf(stderr, "cli-helper: what is '%s'?\n", line);
    return false;
}

static void in_terminal(char **argv)
{
    struct winsize size = { .ws_row = 40, .ws_col = 100 };
    int fd;

    setsid();
    fd = open(ptsname(terminal), O_RDWR);
    if (fd < 0)
        _exit(126);
    ioctl(fd, TIOCSWINSZ, &size);
    dup2(fd, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    if (fd > 2)
        close(fd);
    setenv("TERM", "xterm", 1);
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    execv(argv[0], argv);
    _exit(127);
}

static int run_in_terminal(char **argv)
{
    char *line = NULL;
    size_t cap = 0;
    bool ok = true;

    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
        fprintf(stderr, "cli-helper: no terminal: %s\n", strerror(errno));
        return 77;
    }
    child = fork();
    if (child == 0)
        in_terminal(argv);
    while (ok && getline(&line, &cap, stdin) > 0)
        ok = follow(line);
    free(line);
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    free(said);
    return !ok;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "json") == 0)
        return check_json();
    if (argc > 2 && strcmp(argv[1], "pty") == 0)
        return run_in_terminal(argv + 2);
    fprintf(stderr, "usage: cli-helper json | cli-helper pty PROGRAM ...\n");
    return 2;
}
