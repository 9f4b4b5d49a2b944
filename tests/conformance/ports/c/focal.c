/* Focal loss on independent logits: clauses FOC-1 to FOC-4.

   q = 1 - p_t underflows for a confident element, and its powers with an exponent below
   1 have no derivative there. So q itself is never formed: powers of q come from its
   logarithm, and what is divided by q is divided beforehand. */

#include <math.h>
#include <stddef.h>

#include "check.h"
#include "elements.h"
#include "losses.h"
#include "numbers.h"

/* Stands for an infinite logit where terms of opposite sign meet. */
#define HUGE_LOGIT 1e30

static double log_q(const Element *e)
{
    if (e->y == 1)
        return -softplus(e->x);
    if (e->y == 0)
        return -softplus(-e->x);
    return log(e->y * sigmoid(-e->x) + (1 - e->y) * sigmoid(e->x));
}

static double modulator(const Element *e)
{
    return exp(times(e->gamma, log_q(e)));
}

/* The logit of the share that the positive term has in q. */
static double share(const Element *e)
{
    if (e->y == 1)
        return INFINITY;
    if (e->y == 0)
        return -INFINITY;
    return log(e->y) - log1p(-e->y) - e->x;
}

static double alpha_t(const Element *e)
{
    return e->y * e->on + (1 - e->y) * e->off;
}

static double bce(const Element *e)
{
    return times(e->w * e->y, softplus(-e->x)) + times(1 - e->y, softplus(e->x));
}

static double focused(const Element *e)
{
    return times(modulator(e), bce(e));
}

static double unweighted(const Element *e)
{
    return times(alpha_t(e), focused(e));
}

static double value(const Element *e)
{
    return times(e->v, unweighted(e));
}

static double d_logits(const Element *e)
{
    double d_log_q = sigmoid(-share(e)) * sigmoid(-e->x) - sigmoid(share(e)) * sigmoid(e->x);
    double d_bce = (1 - e->y) * sigmoid(e->x) - e->w * e->y * sigmoid(-e->x);
    double slope = e->gamma * times(d_log_q, bce(e)) + d_bce;

    return times(e->v, alpha_t(e) * modulator(e) * slope);
}

static double d_labels(const Element *e)
{
    Element c = *e;
    double ratio, slope;

    if (isinf(c.x)) /* The limit is that of a huge logit, if it is not 0. */
        c.x = c.x > 0 ? HUGE_LOGIT : -HUGE_LOGIT;
    /* Cross-entropy over q, which is finite where both vanish. */
    ratio = c.w * sigmoid(share(&c)) * softplus_ratio(-c.x) +
            sigmoid(-share(&c)) * softplus_ratio(c.x);
    slope = c.gamma * (sigmoid(-c.x) - sigmoid(c.x)) * ratio;
    slope = alpha_t(&c) * (slope + c.w * softplus(-c.x) - softplus(c.x));
    slope = modulator(&c) * (slope + (c.on - c.off) * bce(&c));
    return times(e->v, times(slope, isinf(e->x) ? INFINITY : 1));
}

static double d_pos_weight(const Element *e)
{
    return times(e->v, times(alpha_t(e) * modulator(e), times(e->y, softplus(-e->x))));
}

static double d_alpha(const Element *e)
{
    return times(e->v, times(e->y, focused(e)) - times(1 - e->y, focused(e)));
}

static double d_gamma(const Element *e)
{
    return times(e->v, times(unweighted(e), log_q(e)));
}

static const Output outputs[] = {
    {"value", value},
    {"grad_logits", d_logits},
    {"grad_labels", d_labels},
    {"grad_pos_weight", d_pos_weight},
    {"grad_sample_weight", unweighted},
    {"grad_alpha", d_alpha},
    {"grad_gamma", d_gamma},
    {NULL, NULL},
};

static const char *const known[] = {
    "logits", "labels", "pos_weight", "sample_weight", "alpha",
    "gamma",  "class_axis", "reduction", NULL,
};

void sigmoid_focal_loss(const Request *request)
{
    Element common = {0, 0, 1, 1, 0, 2, 1, 1};

    if (!check_known(request, known) ||
        !read_number(request, "gamma", INFINITY, 0, &common.gamma) ||
        !read_number(request, "alpha", 1, 1, &common.on))
        return;
    if (find(request, "alpha"))
        common.off = 1 - common.on;
    answer_elements(request, common, outputs);
}
