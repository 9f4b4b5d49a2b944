"""The form for hard labels against the reference, as far as logits go."""

import numpy as np
import pytest
import torch

import refimpl
from conformance.budgets import UNIT_ROUNDOFF
from torch_impl import sigmoid_focal_loss
from torch_impl._margin import are_hard

POINTS = [0.0, 1e-3, 0.5, 3.0, 17.0, 37.0, 89.0, 104.0, 710.0, 746.0, 1e4, np.inf]
LOGITS = np.array([*POINTS, *(-p for p in POINTS)])


@pytest.mark.parametrize("pos_weight", [None, 0.0, 3.0])
@pytest.mark.parametrize("alpha", [None, 0.0, 0.25, 1.0])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, torch.tensor(0.0), torch.tensor(1.5)])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_hard_labels_agree_with_the_reference(label, gamma, alpha, pos_weight):
    options = {"alpha": alpha, "pos_weight": pos_weight}
    y, one = np.full_like(LOGITS, label), torch.tensor([label], dtype=torch.float64)
    known = {"gamma": float(gamma), **options}
    values = refimpl.sigmoid_focal_loss(LOGITS, y, reduction="none", **known)
    slopes = refimpl.sigmoid_focal_loss_grad(LOGITS, y, **known)
    for logit, value, slope in zip(LOGITS, values, slopes, strict=True):
        x = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
        loss = sigmoid_focal_loss(x, one, gamma=gamma, reduction="sum", **options)
        (gradient,) = torch.autograd.grad(loss, x)
        # The budget of both, K = 1 + |x| + gamma |x| at most.
        size = 1 + min(abs(logit), 1e4) * (1 + float(gamma))
        bound = {"rtol": 10 * UNIT_ROUNDOFF["float64"] * size, "atol": 2.3e-308}
        np.testing.assert_allclose(loss.item(), value, **bound)
        np.testing.assert_allclose(gradient.item(), slope, **bound)


@pytest.mark.parametrize("label", [0.5, -1.0, 2.0, 1 - 6e-8, 1e-30, np.nan, np.inf])
def test_what_is_not_0_or_1_is_not_hard(label):
    assert are_hard(torch.tensor([0.0, 1.0, -0.0]))
    assert not are_hard(torch.tensor([0.0, 1.0, label]))
