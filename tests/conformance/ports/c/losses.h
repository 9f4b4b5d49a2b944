/* The losses; each answers one request. */

#ifndef LOSSES_H
#define LOSSES_H

#include "wire.h"

void binary_cross_entropy_with_logits(const Request *request);
void sigmoid_focal_loss(const Request *request);
void cross_entropy(const Request *request);

#endif
