/* Losses over classes: reading a call, and loading one example after the other. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "classes.h"
#include "numbers.h"
#include "softmax.h"

static const char *const known[] = {
    "logits",       "labels",     "class_weights", "sample_weight", "label_smoothing",
    "smoothing",    "class_axis", "ignore_index",  "normalizer",    "reduction",
    NULL,
};

static const char *const smoothings[] = {"uniform", "off_target", NULL};
static const char *const normalizers[] = {"weights", "count", NULL};

static int read_labels(const Request *request, Classes *call)
{
    const Argument *ignore = find(request, "ignore_index");
    const char *kind = call->labels ? call->labels->kind : "";

    call->by_index = !strcmp(kind, "index");
    if (!call->by_index && strcmp(kind, "real"))
        return refuse(request, "TypeError", "labels", "indices or probabilities");
    call->ignore_index = -100;
    if (ignore && (strcmp(ignore->kind, "index") || ignore->rank))
        return refuse(request, "TypeError", "ignore_index", "an integer");
    if (ignore)
        call->ignore_index = ignore->data[0];
    return check_shape(request, "labels", call->logits,
                       call->by_index ? call->axis : -1);
}

static int read_class_weights(const Request *request, const Classes *call)
{
    const Argument *weights = call->class_weights;
    long k;

    if (!weights)
        return 1;
    if (!strcmp(weights->kind, "text"))
        return refuse(request, "TypeError", "class_weights", "numbers");
    if (weights->rank != 1 || weights->size != call->classes)
        return refuse(request, "ValueError", "class_weights", "one value per class");
    /* Such a weight is in every example, so the whole call is refused. */
    for (k = 0; k < call->classes; ++k)
        if (!(weights->data[k] >= 0 && weights->data[k] < INFINITY))
            return refuse(request, "ValueError", "class_weights", "finite and >= 0");
    return 1;
}

static int read_arguments(const Request *request, Classes *call)
{
    int i;

    memset(call, 0, sizeof *call);
    call->logits = find(request, "logits");
    call->labels = find(request, "labels");
    call->class_weights = find(request, "class_weights");
    call->sample_weight = find(request, "sample_weight");
    call->reduction = MEAN;
    if (!check_known(request, known) || !check_real(request, "logits"))
        return 0;
    if (!call->logits->rank)
        return refuse(request, "ValueError", "logits", "a class axis");
    if (!read_axis(request, call->logits, &call->axis))
        return 0;
    call->classes = call->logits->shape[call->axis];
    if (!call->classes)
        return refuse(request, "ValueError", "logits", "a class");
    call->examples = call->logits->size / call->classes;
    call->inner = 1;
    for (i = call->axis + 1; i < call->logits->rank; ++i)
        call->inner *= call->logits->shape[i];
    return read_labels(request, call) && read_class_weights(request, call) &&
           check_shape(request, "sample_weight", call->logits, call->axis) &&
           read_number(request, "label_smoothing", 1, 0, &call->smoothing) &&
           read_choice(request, "smoothing", smoothings, &call->off_target) &&
           read_choice(request, "normalizer", normalizers, &call->count) &&
           read_choice(request, "reduction", reductions, &call->reduction);
}

int read_classes(const Request *request, Classes *call)
{
    double *rows;
    long n;

    if (!read_arguments(request, call))
        return 0;
    n = call->classes;
    rows = malloc((size_t)(9 * n) * sizeof *rows);
    call->y = rows;
    call->t = rows + n;
    call->w = rows + 2 * n;
    call->c = rows + 3 * n;
    call->not_c = rows + 4 * n;
    call->p = rows + 5 * n;
    call->not_p = rows + 6 * n;
    call->minus_log = rows + 7 * n;
    call->work = rows + 8 * n;
    return 1;
}

void free_classes(Classes *call)
{
    free(call->y);
}

long place(const Classes *call, long example, long k)
{
    return (example / call->inner * call->classes + k) * call->inner +
           example % call->inner;
}

static double smoothed(const Classes *call, double y)
{
    double s = call->smoothing;

    if (call->off_target)
        return (1 - s) * y + s * (1 - y) / (call->classes > 1 ? call->classes - 1 : 1);
    return (1 - s) * y + s / call->classes;
}

static void load_labels(Classes *call, long example)
{
    double index = call->by_index ? call->labels->data[example] : 0;
    long k;

    call->kept = !call->by_index || index != call->ignore_index;
    call->v = call->kept && call->sample_weight ? call->sample_weight->data[example] : 1;
    call->sound = call->v >= 0 && call->v < INFINITY;
    if (call->by_index && call->kept && !(index >= 0 && index < call->classes))
        call->sound = 0;
    for (k = 0; k < call->classes; ++k) {
        double y = call->by_index ? index == k
                                  : call->labels->data[place(call, example, k)];

        if (!(y >= 0 && y <= 1))
            call->sound = 0;
        call->y[k] = call->kept ? y : 0;
        call->t[k] = call->kept ? smoothed(call, y) : 0;
        call->w[k] = call->class_weights ? call->class_weights->data[k] : 1;
        call->c[k] = call->w[k] * call->t[k];
    }
}

void load_example(Classes *call, long example)
{
    double *x = call->not_c; /* until it is needed */
    long k;

    load_labels(call, example);
    for (k = 0; k < call->classes; ++k)
        x[k] = call->kept ? call->logits->data[place(call, example, k)] : 0;
    softmax(x, call->classes, call->p, call->not_p, call->minus_log);
    others(call->c, call->classes, call->not_c);
}

double normalizer(Classes *call)
{
    double *each = malloc((size_t)(call->examples + 1) * sizeof *each), total;
    long i, k;

    for (i = 0; i < call->examples; ++i) {
        load_labels(call, i);
        for (k = 0; k < call->classes; ++k)
            call->work[k] = call->w[k] * call->y[k];
        each[i] = call->count ? call->kept : sum(call->work, call->classes, 1);
        if (!call->sound)
            each[i] = NAN;
    }
    total = sum(each, call->examples, 1);
    free(each);
    return total;
}

