/* Softmax. Everything is counted from the largest logit, whose own term is exactly 1, so
   that the rest of the sum keeps its digits where it is far below 1. */

#include <math.h>

#include "numbers.h"
#include "softmax.h"

/* The first of the largest; a NaN counts as larger than any. */
static long top(const double *a, long n)
{
    long k, best = 0;

    for (k = 1; k < n && !isnan(a[best]); ++k)
        if (a[k] > a[best] || isnan(a[k]))
            best = k;
    return best;
}

double others(const double *numbers, long n, double *rest_of)
{
    long k, largest = top(numbers, n);
    /* Only the largest can be more than half of the total, so only for it would total
       minus number cancel. */
    double rest = sum(numbers, largest, 1) +
                  sum(numbers + largest + 1, n - largest - 1, 1);

    for (k = 0; k < n; ++k)
        rest_of[k] = k == largest ? rest : rest + numbers[largest] - numbers[k];
    return rest;
}

void softmax(const double *logits, long n, double *p, double *not_p, double *minus_log)
{
    long k, largest = top(logits, n);
    double rest;

    for (k = 0; k < n; ++k) {
        /* Of two infinite logits the difference is NaN: there is no limit. */
        double gap = k == largest && !isnan(logits[k]) ? 0 : logits[largest] - logits[k];

        minus_log[k] = gap;
        p[k] = exp(-gap);
    }
    rest = others(p, n, not_p);
    for (k = 0; k < n; ++k) {
        minus_log[k] += log1p(rest);
        p[k] /= 1 + rest;
        not_p[k] /= 1 + rest;
    }
}
