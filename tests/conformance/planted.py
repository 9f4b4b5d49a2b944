"""Implementations for tests: one that is right, and several that are not."""

import numpy as np

import refimpl
from conformance.adapters import from_functions

focal = refimpl.sigmoid_focal_loss
focal_grad = refimpl.sigmoid_focal_loss_grad


def bce(logits, labels, *, pos_weight=None, reduction="mean"):
    return refimpl.binary_cross_entropy_with_logits(
        logits, labels, pos_weight=pos_weight, reduction=reduction
    )


def plain_bce(logits, labels, *, reduction="mean"):
    return bce(logits, labels, reduction=reduction)


def textbook_focal(logits, labels, *, gamma=2.0, reduction="mean"):
    p = 1 / (1 + np.exp(-logits))
    pt = labels * p + (1 - labels) * (1 - p)
    loss = -((1 - pt) ** gamma) * np.log(pt)
    return loss if reduction == "none" else loss.sum()


def raising(logits, labels, **_):
    raise RuntimeError(f"out of order with {logits.size} and {labels.size}")


good = from_functions(
    {"sigmoid_focal_loss": focal, "sigmoid_focal_loss_grad": focal_grad},
    framework="numpy",
)
partial = from_functions(
    {"binary_cross_entropy_with_logits": bce}, framework="numpy", name="partial"
)
plain = from_functions(
    {"binary_cross_entropy_with_logits": plain_bce}, framework="numpy", name="plain"
)
wrong = from_functions({"sigmoid_focal_loss": textbook_focal}, framework="numpy")
broken = from_functions({"sigmoid_focal_loss": raising}, framework="numpy")
empty = from_functions({}, framework="numpy")
not_an_adapter = object()
