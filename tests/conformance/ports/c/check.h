/* Checks at the door. Each answers the request and returns 0 if it finds a fault. */

#ifndef CHECK_H
#define CHECK_H

#include "wire.h"

/* Answers with an error of a kind; always 0. */
int refuse(const Request *request, const char *kind, const char *argument,
           const char *expected);

/* Every argument is among the known ones, whose list ends with NULL. */
int check_known(const Request *request, const char *const *known);

/* The argument is there and holds real numbers. */
int check_real(const Request *request, const char *name);

/* The argument, if given, has the shape of an array without its axis `without`, or
   the whole shape where that is -1. */
int check_shape(const Request *request, const char *name, const Argument *like,
                int without);

/* Reads `class_axis`, by default the last, as a number from 0 on. */
int read_axis(const Request *request, const Argument *logits, int *axis);

/* Reads a number in [0, high), or [0, high] if `closed`; absent it keeps its value. */
int read_number(const Request *request, const char *name, double high, int closed,
                double *value);

/* Reads a word and gives its place among the choices, whose list ends with NULL. */
int read_choice(const Request *request, const char *name, const char *const *choices,
                int *choice);

/* The four reductions, in the order of their names in reductions. */
enum { NONE, SUM, MEAN, PARTS };
extern const char *const reductions[];

#endif
