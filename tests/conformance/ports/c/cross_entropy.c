/* Cross-entropy over classes: clauses CE-1 to CE-7. An output is a function of one
   example, and of one of its classes where it has one number for each.

   Sums over the other classes are formed as such: p - 1 is 0 for a confident example. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "classes.h"
#include "losses.h"
#include "numbers.h"

enum { PER_EXAMPLE, PER_LOGIT, PER_CLASS, ONCE };

static double unweighted(const Classes *call, long ignored)
{
    long k;

    (void)ignored;
    for (k = 0; k < call->classes; ++k)
        call->work[k] = times(call->c[k], call->minus_log[k]);
    return sum(call->work, call->classes, 1);
}

static double value(const Classes *call, long ignored)
{
    return times(call->v, unweighted(call, ignored));
}

static double d_logits(const Classes *call, long k)
{
    return times(call->v, call->p[k] * call->not_c[k] - call->c[k] * call->not_p[k]);
}

static double d_target(const Classes *call, long k)
{
    return times(call->w[k], call->minus_log[k]);
}

static double d_labels(const Classes *call, long k)
{
    double s = call->smoothing, slope = 1 - s;

    if (call->off_target)
        slope -= s / (call->classes > 1 ? call->classes - 1 : 1);
    return times(call->v, slope * d_target(call, k));
}

static double d_class_weights(const Classes *call, long k)
{
    return times(call->v, times(call->t[k], call->minus_log[k]));
}

static double d_smoothing(const Classes *call, long ignored)
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
    double (*of)(const Classes *call, long k);
    int per;
} outputs[] = {
    {"value", value, PER_EXAMPLE},
    {"grad_logits", d_logits, PER_LOGIT},
    {"grad_labels", d_labels, PER_LOGIT},
    {"grad_sample_weight", unweighted, PER_EXAMPLE},
    {"grad_class_weights", d_class_weights, PER_CLASS},
    {"grad_label_smoothing", d_smoothing, ONCE},
};

/* Fills in an output of every example, or of every logit. */
static void fill(Classes *call, int output, double *each)
{
    int per = outputs[output].per;
    long i, k, terms = per == PER_LOGIT || per == PER_CLASS ? call->classes : 1;

    for (i = 0; i < call->examples; ++i) {
        load_example(call, i);
        for (k = 0; k < terms; ++k) {
            double found = call->sound ? outputs[output].of(call, k) : NAN;

            each[per == PER_LOGIT ? place(call, i, k) : i * terms + k] = found;
        }
    }
}

/* Gradients are those of the sum, so what examples share gets the sum of theirs. */
static void put(Classes *call, int output, double *each)
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

static int known(const Classes *call, const char *name)
{
    int i, count = (int)(sizeof outputs / sizeof *outputs);

    for (i = 0; i < count; ++i)
        /* Indices have no gradient. */
        if (!strcmp(outputs[i].name, name) &&
            !(outputs[i].of == d_labels && call->by_index))
            return i;
    return -1;
}

static void answer(const Request *request, Classes *call, double *each)
{
    int i, output;
    double total;

    begin_outputs(request);
    for (i = 0; i < request->wanted; ++i) {
        output = known(call, request->want[i]);
        if (output >= 0) {
            put(call, output, each);
        } else if (!strcmp(request->want[i], "normalizer")) {
            total = normalizer(call);
            put_output("normalizer", 0, NULL, &total);
        } else {
            put_missing(request->want[i]);
        }
    }
    end_outputs();
}

void cross_entropy(const Request *request)
{
    Classes call;
    double *each;

    if (!read_classes(request, &call))
        return;
    each = malloc((size_t)(call.logits->size + call.classes + 1) * sizeof *each);
    answer(request, &call, each);
    free(each);
    free_classes(&call);
}
