/* The part that losses on independent logits share: weights, reductions, gradients. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "elements.h"
#include "numbers.h"

typedef struct {
    const Argument *logits, *labels, *pos_weight, *sample_weight;
    long n;
    long classes, inner; /* length of the class axis, and of all axes after it */
    int reduction;
} Call;

static int read_call(const Request *request, Call *call)
{
    int axis, i;

    call->logits = find(request, "logits");
    call->labels = find(request, "labels");
    call->pos_weight = find(request, "pos_weight");
    call->sample_weight = find(request, "sample_weight");
    call->reduction = MEAN;
    if (!check_real(request, "logits"))
        return 0;
    if (!call->labels)
        return refuse(request, "TypeError", "labels", "numbers");
    if (!check_shape(request, "labels", call->logits, -1) ||
        !check_shape(request, "sample_weight", call->logits, -1) ||
        !read_axis(request, call->logits, &axis) ||
        !read_choice(request, "reduction", reductions, &call->reduction))
        return 0;
    call->n = call->logits->size;
    call->classes = call->logits->rank ? call->logits->shape[axis] : 1;
    call->inner = 1;
    for (i = axis + 1; i < call->logits->rank; ++i)
        call->inner *= call->logits->shape[i];
    return 1;
}

/* One weight, which is checked here, or one of each class. */
static int check_pos_weight(const Request *request, const Call *call)
{
    const Argument *weight = call->pos_weight;
    double ignored;

    if (!weight || !weight->rank)
        return read_number(request, "pos_weight", INFINITY, 0, &ignored);
    if (!strcmp(weight->kind, "text"))
        return refuse(request, "TypeError", "pos_weight", "numbers");
    if (weight->rank != 1 || !call->logits->rank || weight->size != call->classes)
        return refuse(request, "ValueError", "pos_weight", "one value or one per class");
    return 1;
}

static Element element(const Call *call, const Element *common, long i)
{
    Element e = *common;

    e.x = call->logits->data[i];
    e.y = call->labels->data[i];
    if (call->pos_weight)
        e.w = call->pos_weight->data[call->pos_weight->rank
                                         ? i / call->inner % call->classes
                                         : 0];
    if (call->sample_weight)
        e.v = call->sample_weight->data[i];
    return e;
}

/* Whether label and weights are in range. Comparisons with a NaN are false. */
static int sound(const Element *e)
{
    return e->y >= 0 && e->y <= 1 && e->w >= 0 && e->w < INFINITY && e->v >= 0 &&
           e->v < INFINITY;
}

/* Sums elements to one number for each class, in place. */
static void sum_classes(const Call *call, double *each)
{
    double *own = malloc((size_t)(call->n + call->classes + 1) * sizeof *own);
    double *sums = own + call->n;
    long i, k, count;

    for (k = 0; k < call->classes; ++k) {
        for (i = 0, count = 0; i < call->n; ++i)
            if (i / call->inner % call->classes == k)
                own[count++] = each[i];
        sums[k] = sum(own, count, 1);
    }
    memcpy(each, sums, (size_t)call->classes * sizeof *sums);
    free(own);
}

static void put_value(const Call *call, double *each)
{
    double total;

    if (call->reduction == NONE) {
        put_output("value", call->logits->rank, call->logits->shape, each);
        return;
    }
    total = sum(each, call->n, 1);
    if (call->reduction == MEAN && call->n)
        total /= (double)call->n; /* The mean of nothing is 0. */
    put_output("value", 0, NULL, &total);
}

/* A gradient has the shape of its argument. It is that of the sum, so an argument that
   many elements share gets the sum of what they say. */
static void put_gradient(const Request *request, const Call *call, const char *name,
                         double *each)
{
    const Argument *argument = find(request, name + strlen("grad_"));

    if (!argument || !argument->rank)
        each[0] = sum(each, call->n, 1);
    else if (argument == call->pos_weight)
        sum_classes(call, each);
    put_output(name, argument ? argument->rank : 0, argument ? argument->shape : NULL,
               each);
}

static const Output *known(const Output *outputs, const char *name)
{
    for (; outputs->name; ++outputs)
        if (!strcmp(outputs->name, name))
            return outputs;
    return NULL;
}

void answer_elements(const Request *request, Element common, const Output *outputs)
{
    Call call;
    double *each, n;
    int j;
    long i;

    if (!read_call(request, &call) || !check_pos_weight(request, &call))
        return;
    each = malloc((size_t)(call.n + 1) * sizeof *each);
    n = (double)call.n;
    begin_outputs(request);
    for (j = 0; j < request->wanted; ++j) {
        const char *name = request->want[j];
        const Output *output = known(outputs, name);

        for (i = 0; output && i < call.n; ++i) {
            Element e = element(&call, &common, i);

            each[i] = sound(&e) ? output->of(&e) : NAN;
        }
        if (!strcmp(name, "normalizer"))
            put_output(name, 0, NULL, &n);
        else if (output && !strcmp(name, "value"))
            put_value(&call, each);
        else if (output)
            put_gradient(request, &call, name, each);
        else
            put_missing(name);
    }
    end_outputs();
    free(each);
}
