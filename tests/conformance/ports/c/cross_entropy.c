/* Cross-entropy over classes: clauses CE-1 to CE-7.

   Everything is counted from the largest logit, whose own term is exactly 1, so that
   the rest of the sum keeps its digits where it is far below 1. Sums over the other
   classes are formed as such: 1 - p would be 0 for a confident example. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "losses.h"
#include "numbers.h"

typedef struct {
    const Argument *logits, *labels, *class_weights, *sample_weight;
    long classes, examples, inner; /* inner: length of all axes after that of classes */
    int axis, by_index, off_target, count, reduction;
    double ignore_index, smoothing;
    /* Of the example that is loaded. */
    int kept, sound;
    double v;
    double *y, *w, *t;      /* label, class weight, smoothed label */
    double *p, *not_p;      /* softmax, and the sum of the others */
    double *minus_log;      /* -log p */
    double *c, *not_c;      /* w t, and the sum of the others */
    double *work;
} Call;

enum { PER_EXAMPLE, PER_LOGIT, PER_CLASS, ONCE };

/* The place of a class of an example among the logits. */
static long place(const Call *call, long example, long k)
{
    return (example / call->inner * call->classes + k) * call->inner +
           example % call->inner;
}

/* The first of the largest; a NaN counts as larger than any. */
static long top(const double *a, long n)
{
    long k, best = 0;

    for (k = 1; k < n && !isnan(a[best]); ++k)
        if (a[k] > a[best] || isnan(a[k]))
            best = k;
    return best;
}

/* The sum of all others, for each element of a >= 0: only the largest can be more than
   half of the total, so only there does total - a cancel. */
static double others(const Call *call, const double *a, double *rest_of)
{
    long k, n = call->classes, largest = top(a, n);
    double rest;

    memcpy(call->work, a, (size_t)n * sizeof *a);
    call->work[largest] = 0;
    rest = sum(call->work, n, 1);
    for (k = 0; k < n; ++k)
        rest_of[k] = k == largest ? rest : rest + a[largest] - a[k];
    return rest;
}

static void load_softmax(Call *call, const double *x)
{
    long k, n = call->classes, largest = top(x, n);
    double rest;

    for (k = 0; k < n; ++k) {
        double gap = k == largest && !isnan(x[k]) ? 0 : x[largest] - x[k];

        call->minus_log[k] = gap;
        call->p[k] = exp(-gap);
    }
    rest = others(call, call->p, call->not_p);
    for (k = 0; k < n; ++k) {
        call->minus_log[k] += log1p(rest);
        call->p[k] /= 1 + rest;
        call->not_p[k] /= 1 + rest;
    }
}

static double smoothed(const Call *call, double y)
{
    double s = call->smoothing;

    if (call->off_target)
        return (1 - s) * y + s * (1 - y) / (call->classes > 1 ? call->classes - 1 : 1);
    return (1 - s) * y + s / call->classes;
}

static void load_labels(Call *call, long example)
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

static void load(Call *call, long example)
{
    double *x = call->not_c; /* until it is needed */
    long k;

    load_labels(call, example);
    for (k = 0; k < call->classes; ++k)
        x[k] = call->kept ? call->logits->data[place(call, example, k)] : 0;
    load_softmax(call, x);
    others(call, call->c, call->not_c);
}

static double unweighted(const Call *call, long ignored)
{
    long k;

    (void)ignored;
    for (k = 0; k < call->classes; ++k)
        call->work[k] = times(call->c[k], call->minus_log[k]);
    return sum(call->work, call->classes, 1);
}

static double value(const Call *call, long ignored)
{
    return times(call->v, unweighted(call, ignored));
}

static double d_logits(const Call *call, long k)
{
    return times(call->v, call->p[k] * call->not_c[k] - call->c[k] * call->not_p[k]);
}

static double d_target(const Call *call, long k)
{
    return times(call->w[k], call->minus_log[k]);
}

static double d_labels(const Call *call, long k)
{
    double s = call->smoothing, slope = 1 - s;

    if (call->off_target)
        slope -= s / (call->classes > 1 ? call->classes - 1 : 1);
    return times(call->v, slope * d_target(call, k));
}

static double d_class_weights(const Call *call, long k)
{
    return times(call->v, times(call->t[k], call->minus_log[k]));
}

static double d_smoothing(const Call *call, long ignored)
{
    long k, rest = call->classes > 1 ? call->classes - 1 : 1;

    (void)ignored;
    for (k = 0; k < call->classes; ++k) {
        double y = call->y[k];
        double slope = call->off_target ? (1 - y) / rest - y : 1.0 / call->classes - y;

        call->work[k] = call->kept ? times(slope, d_target(call, k)) : 0;
    }
    return times(call->v, sum(call->work, call->classes, 1));
}

static const struct {
    const char *name;
    double (*of)(const Call *call, long k);
    int per;
} outputs[] = {
    {"value", value, PER_EXAMPLE},
    {"grad_logits", d_logits, PER_LOGIT},
    {"grad_labels", d_labels, PER_LOGIT},
    {"grad_sample_weight", unweighted, PER_EXAMPLE},
    {"grad_class_weights", d_class_weights, PER_CLASS},
    {"grad_label_smoothing", d_smoothing, ONCE},
};

static const char *const known[] = {
    "logits",       "labels",     "class_weights", "sample_weight", "label_smoothing",
    "smoothing",    "class_axis", "ignore_index",  "normalizer",    "reduction",
    NULL,
};

static const char *const smoothings[] = {"uniform", "off_target", NULL};
static const char *const normalizers[] = {"weights", "count", NULL};

static int read_labels(const Request *request, Call *call)
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

static int read_class_weights(const Request *request, const Call *call)
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

static int read_call(const Request *request, Call *call)
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

/* What a mean divides by: kept examples, or the weights of their labels. */
static double normalizer(Call *call)
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

/* Fills in an output of every example, or of every logit. */
static void fill(Call *call, int output, double *each)
{
    int per = outputs[output].per;
    long i, k, terms = per == PER_LOGIT || per == PER_CLASS ? call->classes : 1;

    for (i = 0; i < call->examples; ++i) {
        load(call, i);
        for (k = 0; k < terms; ++k) {
            double found = call->sound ? outputs[output].of(call, k) : NAN;

            each[per == PER_LOGIT ? place(call, i, k) : i * terms + k] = found;
        }
    }
}

static void put(Call *call, int output, double *each)
{
    const char *name = outputs[output].name;
    int per = outputs[output].per, rank = call->logits->rank, i, j = 0;
    long shape[MAX_RANK], k, n = call->examples;
    double divisor = 1;

    fill(call, output, each);
    for (i = 0; i < rank; ++i)
        if (i != call->axis)
            shape[j++] = call->logits->shape[i];
    if (per == PER_LOGIT) {
        put_output(name, rank, call->logits->shape, each);
    } else if (per == PER_CLASS) {
        double *sums = each + n * call->classes;

        for (k = 0; k < call->classes; ++k)
            sums[k] = sum(each + k, n, call->classes);
        put_output(name, 1, &call->classes, sums);
    } else if (per == PER_EXAMPLE && (output || call->reduction == NONE)) {
        put_output(name, j, shape, each);
    } else {
        if (!output && call->reduction == MEAN)
            divisor = normalizer(call);
        each[0] = sum(each, n, 1) / (divisor == 0 ? 1 : divisor);
        put_output(name, 0, NULL, each);
    }
}

static void answer(const Request *request, Call *call, double *each)
{
    int i, j, count = (int)(sizeof outputs / sizeof *outputs);
    double total;

    /* Indices have no gradient, and nobody wants one. */
    begin_outputs(request, "");
    for (i = 0; i < request->wanted; ++i) {
        for (j = 0; j < count && strcmp(outputs[j].name, request->want[i]); ++j)
            ;
        if (j < count) {
            put(call, j, each);
        } else if (!strcmp(request->want[i], "normalizer")) {
            total = normalizer(call);
            put_output("normalizer", 0, NULL, &total);
        }
    }
    end_outputs();
}

void cross_entropy(const Request *request)
{
    Call call;
    double *buffer;
    long n;

    if (!read_call(request, &call))
        return;
    n = call.classes;
    /* Nine rows of the example that is loaded; then the output, and sums of classes. */
    buffer = malloc((size_t)(10 * n + call.logits->size + 1) * sizeof *buffer);
    call.y = buffer;
    call.w = buffer + n;
    call.t = buffer + 2 * n;
    call.p = buffer + 3 * n;
    call.not_p = buffer + 4 * n;
    call.minus_log = buffer + 5 * n;
    call.c = buffer + 6 * n;
    call.not_c = buffer + 7 * n;
    call.work = buffer + 8 * n;
    answer(request, &call, buffer + 9 * n);
    free(buffer);
}
