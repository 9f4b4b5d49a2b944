/* Elementary functions: everything is made of exp(-|v|), which lies in (0, 1]. It cannot
   overflow, and 1 + exp(-|v|) and log1p keep their digits where others lose them. */

#include <math.h>

#include "numbers.h"

double softplus(double v)
{
    /* Not fmax, which would turn a NaN into 0. */
    return (v > 0 ? v : 0) + log1p(exp(-fabs(v)));
}

double sigmoid(double v)
{
    /* For v < 0 this is z / (1 + z), not 1 - 1 / (1 + z), which rounds to 0. */
    double z = exp(-fabs(v));

    return (v >= 0 ? 1 : z) / (1 + z);
}

double softplus_ratio(double v)
{
    double z = exp(-fabs(v));

    /* Where z underflows, log1p(z) / z must still be 1. */
    if (z < 1e-30)
        z = 1e-30;
    return (v >= 0 ? softplus(v) : log1p(z) / z) * (1 + z);
}

double times(double a, double b)
{
    /* A term whose weight is 0 stays off where the loss is infinite. */
    return a == 0 && isinf(b) ? 0 : a * b;
}

double sum(const double *numbers, long n, long stride)
{
    double total = 0;
    long i;

    if (n > 16) /* Halves of halves lose log2(n) roundings, a plain loop n. */
        return sum(numbers, n / 2, stride) +
               sum(numbers + n / 2 * stride, n - n / 2, stride);
    for (i = 0; i < n; ++i)
        total += numbers[i * stride];
    return total;
}
