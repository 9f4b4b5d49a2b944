/* Checks at the door. What is wrong with a single number of an array is no business of
   theirs: that turns the element into NaN, and spares the others. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

const char *const reductions[] = {"none", "sum", "mean", "parts", NULL};

static int is(const Argument *argument, const char *kind)
{
    return !strcmp(argument->kind, kind);
}

int refuse(const Request *request, const char *kind, const char *argument,
           const char *expected)
{
    char reason[200];

    snprintf(reason, sizeof reason, "%s: expected %s", argument, expected);
    put_reason(request, "errored", kind, reason);
    return 0;
}

int check_known(const Request *request, const char *const *known)
{
    char reason[200];
    int i, j;

    for (i = 0; i < request->arguments; ++i) {
        for (j = 0; known[j] && strcmp(known[j], request->argument[i].name); ++j)
            ;
        if (!known[j]) {
            snprintf(reason, sizeof reason, "no argument %.100s",
                     request->argument[i].name);
            put_reason(request, "not_implemented", NULL, reason);
            return 0;
        }
    }
    return 1;
}

int check_real(const Request *request, const char *name)
{
    const Argument *argument = find(request, name);

    if (!argument || !is(argument, "real"))
        return refuse(request, "TypeError", name, "real numbers");
    return 1;
}

int check_shape(const Request *request, const char *name, const Argument *like,
                int without)
{
    const Argument *argument = find(request, name);
    int i, rank = 0, same = 1;

    if (!argument)
        return 1;
    if (is(argument, "text"))
        return refuse(request, "TypeError", name, "numbers");
    for (i = 0; i < like->rank; ++i)
        if (i != without) {
            same = same && rank < argument->rank &&
                   argument->shape[rank] == like->shape[i];
            ++rank;
        }
    if (!same || rank != argument->rank)
        return refuse(request, "ValueError", name, "the shape that goes with logits");
    return 1;
}

int read_axis(const Request *request, const Argument *logits, int *axis)
{
    const Argument *given = find(request, "class_axis");
    int axes = logits->rank > 0 ? logits->rank : 1;

    *axis = axes - 1;
    if (!given)
        return 1;
    if (!is(given, "index") || given->rank)
        return refuse(request, "TypeError", "class_axis", "an integer");
    if (!(given->data[0] >= -axes && given->data[0] < axes))
        return refuse(request, "ValueError", "class_axis", "an axis of logits");
    *axis = (int)given->data[0];
    if (*axis < 0)
        *axis += axes;
    return 1;
}

int read_number(const Request *request, const char *name, double high, int closed,
                double *value)
{
    const Argument *given = find(request, name);

    if (!given)
        return 1;
    if (is(given, "text") || is(given, "mask") || given->rank)
        return refuse(request, "TypeError", name, "a number");
    *value = given->data[0];
    /* Written so that a NaN, which compares with nothing, is refused. */
    if (!(*value >= 0 && (*value < high || (closed && *value == high))))
        return refuse(request, "ValueError", name, "a number in its range");
    return 1;
}

int read_choice(const Request *request, const char *name, const char *const *choices,
                int *choice)
{
    const Argument *given = find(request, name);
    int i;

    if (!given)
        return 1;
    for (i = 0; choices[i]; ++i)
        if (is(given, "text") && !strcmp(choices[i], given->text)) {
            *choice = i;
            return 1;
        }
    return refuse(request, "ValueError", name, "one of the words of the specification");
}
