/* Reading requests. Keys are looked for by name and unknown ones are skipped. Strings
   have no escapes and there is no white space, so this is all the JSON there is. */

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

char *read_line(void)
{
    static char *line = NULL;
    static size_t room = 0;
    size_t length = 0;
    int rest;

    for (;;) {
        if (room - length < 2) {
            room = room ? 2 * room : 1 << 16;
            line = realloc(line, room);
            if (!line) {
                fputs("out of memory\n", stderr);
                exit(1);
            }
        }
        /* fgets stops at the end of a line, so it never waits for the next one. */
        rest = room - length < INT_MAX ? (int)(room - length) : INT_MAX;
        if (!fgets(line + length, rest, stdin))
            return NULL;
        length += strlen(line + length);
        if (length && line[length - 1] == '\n') {
            line[length - 1] = '\0';
            return line;
        }
    }
}

/* Steps over one character if it is there. */
static int at(char **p, char c)
{
    if (**p != c)
        return 0;
    ++*p;
    return 1;
}

/* Reads a string and ends it in place. */
static char *string(char **p)
{
    char *begin, *end;

    if (!at(p, '"'))
        return NULL;
    begin = *p;
    end = strchr(begin, '"');
    if (!end)
        return NULL;
    *end = '\0';
    *p = end + 1;
    return begin;
}

/* Steps over any value, up to the comma or bracket behind it. */
static int skip(char **p)
{
    int depth = 0;

    for (;;) {
        switch (**p) {
        case '\0':
            return 0;
        case '"':
            if (!string(p))
                return 0;
            break;
        case '{':
        case '[':
            ++depth;
            ++*p;
            break;
        case ',':
            if (!depth)
                return 1;
            ++*p;
            break;
        case '}':
        case ']':
            if (!depth)
                return 1;
            --depth;
            ++*p;
            break;
        default:
            ++*p;
        }
    }
}

/* Reads the next key of an object, with its colon; NULL at the end of the object. */
static char *key(char **p)
{
    char *name;

    if (!at(p, '{') && !at(p, ','))
        return NULL;
    name = string(p);
    return name && at(p, ':') ? name : NULL;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Sixteen digits, the highest first, are the bits of a double. */
static int number(const char *digits, double *value)
{
    uint64_t bits = 0;
    int i, d;

    for (i = 0; i < 16; ++i) {
        d = digit(digits[i]);
        if (d < 0)
            return 0;
        bits = bits << 4 | (uint64_t)d;
    }
    memcpy(value, &bits, sizeof bits);
    return 1;
}

static int numbers(const char *digits, Argument *argument)
{
    long i;

    if (strlen(digits) != 16 * (size_t)argument->size)
        return 0;
    argument->data = malloc(((size_t)argument->size + 1) * sizeof(double));
    if (!argument->data)
        return 0;
    for (i = 0; i < argument->size; ++i)
        if (!number(digits + 16 * i, argument->data + i))
            return 0;
    return 1;
}

static int sizes(char **p, Argument *argument)
{
    argument->size = 1;
    if (!at(p, '['))
        return 0;
    while (!at(p, ']')) {
        if (argument->rank == MAX_RANK)
            return 0;
        at(p, ',');
        argument->shape[argument->rank] = strtol(*p, p, 10);
        argument->size *= argument->shape[argument->rank++];
    }
    return 1;
}

static int parse_argument(char **p, Argument *argument)
{
    char *name, *data = NULL;

    memset(argument, 0, sizeof *argument);
    while ((name = key(p))) {
        if (!strcmp(name, "name"))
            argument->name = string(p);
        else if (!strcmp(name, "kind"))
            argument->kind = string(p);
        else if (!strcmp(name, "shape") && !sizes(p, argument))
            return 0;
        else if (!strcmp(name, "data"))
            data = string(p);
        else if (strcmp(name, "shape") && !skip(p))
            return 0;
    }
    if (!argument->name || !argument->kind || !data || !at(p, '}'))
        return 0;
    if (!strcmp(argument->kind, "text")) {
        argument->text = data;
        return 1;
    }
    return numbers(data, argument);
}

static int parse_arguments(char **p, Request *request)
{
    if (!at(p, '['))
        return 0;
    while (!at(p, ']')) {
        if (request->arguments == MAX_ARGUMENTS)
            return 0;
        at(p, ',');
        /* Counted before it is read, so that it is freed whatever happens. */
        if (!parse_argument(p, &request->argument[request->arguments++]))
            return 0;
    }
    return 1;
}

static int parse_want(char **p, Request *request)
{
    if (!at(p, '['))
        return 0;
    while (!at(p, ']')) {
        if (request->wanted == MAX_WANTED)
            return 0;
        at(p, ',');
        request->want[request->wanted] = string(p);
        if (!request->want[request->wanted++])
            return 0;
    }
    return 1;
}

int parse_request(char *line, Request *request)
{
    char *name;

    memset(request, 0, sizeof *request);
    while ((name = key(&line))) {
        if (!strcmp(name, "id"))
            request->id = strtol(line, &line, 10);
        else if (!strcmp(name, "message"))
            request->message = string(&line);
        else if (!strcmp(name, "operation"))
            request->operation = string(&line);
        else if (!strcmp(name, "want")) {
            if (!parse_want(&line, request))
                return 0;
        } else if (!strcmp(name, "arguments")) {
            if (!parse_arguments(&line, request))
                return 0;
        } else if (!skip(&line))
            return 0;
    }
    return request->message && at(&line, '}');
}

void free_request(Request *request)
{
    int i;

    for (i = 0; i < request->arguments; ++i)
        free(request->argument[i].data);
}

const Argument *find(const Request *request, const char *name)
{
    int i;

    for (i = 0; i < request->arguments; ++i)
        if (!strcmp(request->argument[i].name, name))
            return &request->argument[i];
    return NULL;
}
