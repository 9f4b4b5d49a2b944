/* Binary cross-entropy from logits: clauses BCE-1 to BCE-4.

   No term is ever the difference of two large numbers: both sides of the label are
   made from the label, and the gradient from two sigmoids. */

#include <stddef.h>

#include "check.h"
#include "elements.h"
#include "losses.h"
#include "numbers.h"

/* The label and its complement after smoothing. 1 - on would lose the digits of a small
   share. */
static double on(const Element *e)
{
    return e->y * (1 - e->smoothing) + e->smoothing / 2;
}

static double off(const Element *e)
{
    return (1 - e->y) * (1 - e->smoothing) + e->smoothing / 2;
}

static double unweighted(const Element *e)
{
    return times(e->w * on(e), softplus(-e->x)) + times(off(e), softplus(e->x));
}

static double value(const Element *e)
{
    return times(e->v, unweighted(e));
}

static double d_logits(const Element *e)
{
    return times(e->v, off(e) * sigmoid(e->x) - e->w * on(e) * sigmoid(-e->x));
}

static double d_labels(const Element *e)
{
    double slope = times(e->w, softplus(-e->x)) - softplus(e->x);

    return times(e->v, (1 - e->smoothing) * slope);
}

static double d_pos_weight(const Element *e)
{
    return times(e->v, times(on(e), softplus(-e->x)));
}

static double d_smoothing(const Element *e)
{
    double half = 0.5 - e->y;

    return times(e->v,
                 times(e->w * half, softplus(-e->x)) - times(half, softplus(e->x)));
}

static const Output outputs[] = {
    {"value", value},
    {"grad_logits", d_logits},
    {"grad_labels", d_labels},
    {"grad_pos_weight", d_pos_weight},
    {"grad_sample_weight", unweighted},
    {"grad_label_smoothing", d_smoothing},
    {NULL, NULL},
};

static const char *const known[] = {
    "logits",          "labels",     "pos_weight", "sample_weight",
    "label_smoothing", "class_axis", "reduction",  NULL,
};

void binary_cross_entropy_with_logits(const Request *request)
{
    Element common = {0, 0, 1, 1, 0, 0, 1, 1};

    if (check_known(request, known) &&
        read_number(request, "label_smoothing", 1, 0, &common.smoothing))
        answer_elements(request, common, outputs);
}
