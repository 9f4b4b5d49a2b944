/* Losses on independent logits: an output is a function of one element. */

#ifndef ELEMENTS_H
#define ELEMENTS_H

#include "wire.h"

/* One element with all that it depends on. */
typedef struct {
    double x, y;        /* logit and label */
    double w, v;        /* pos_weight and sample_weight, 1 where absent */
    double smoothing;
    double gamma, on, off; /* on and off: the two sides of alpha, 1 where absent */
} Element;

typedef struct {
    const char *name; /* "value" or "grad_<argument>" */
    double (*of)(const Element *element);
} Output;

/* Checks logits, labels, weights, axis and reduction, and answers with what is wanted.
   `common` has the hyper-parameters; the list of outputs ends with a NULL name. */
void answer_elements(const Request *request, Element common, const Output *outputs);

#endif
