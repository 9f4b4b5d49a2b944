/* Losses over classes: one call, and the example of it that is loaded. */

#ifndef CLASSES_H
#define CLASSES_H

#include "wire.h"

typedef struct {
    const Argument *logits, *labels, *class_weights, *sample_weight;
    long classes, examples;
    long inner; /* length of all axes after that of the classes */
    int axis, by_index, off_target, count, reduction;
    double ignore_index, smoothing;

    /* The example that is loaded; arrays have one value for each class. */
    int kept;          /* its label is not ignore_index */
    int sound;         /* label and weights are in range */
    double v;          /* sample_weight */
    double *y, *t, *w; /* label, smoothed label, class weight */
    double *c, *not_c; /* w t, and the sum of the others */
    double *p, *not_p; /* softmax, and the sum of the others */
    double *minus_log; /* -log p */
    double *work;
} Classes;

/* Checks the arguments of cross_entropy. Free what it takes with free_classes. */
int read_classes(const Request *request, Classes *call);
void free_classes(Classes *call);

void load_example(Classes *call, long example);

/* The place of a class of an example among the logits. */
long place(const Classes *call, long example, long k);

/* What a mean divides by: kept examples, or the weights of their labels. */
double normalizer(Classes *call);

#endif
