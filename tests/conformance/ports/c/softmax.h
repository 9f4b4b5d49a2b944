/* Softmax with relative accuracy for every class. */

#ifndef SOFTMAX_H
#define SOFTMAX_H

/* Fills in, for n logits, the probability of each class, that of all others together,
   and minus its logarithm. */
void softmax(const double *logits, long n, double *p, double *not_p, double *minus_log);

/* Fills in the sum of all others for each of n numbers >= 0, and returns it for the
   largest of them. */
double others(const double *numbers, long n, double *rest_of);

#endif
