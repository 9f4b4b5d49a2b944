/* Elementary functions without overflow or cancellation, and sums. */

#ifndef NUMBERS_H
#define NUMBERS_H

double softplus(double v);       /* log(1 + exp(v)) */
double sigmoid(double v);        /* 1 / (1 + exp(-v)) */
double softplus_ratio(double v); /* softplus(v) / sigmoid(v) */
double times(double a, double b); /* a * b with 0 * infinity = 0 */

/* The sum of n numbers that lie `stride` apart. */
double sum(const double *numbers, long n, long stride);

#endif
