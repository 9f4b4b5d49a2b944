"""States, selections, rows and every transform, through the adapters."""

from typing import Any

import numpy as np
import pytest

import refimpl
from conformance.adapters import (
    NotImplementedOperation,
    Outputs,
    Request,
    from_functions,
    resolve,
)

FRAMEWORKS = ["numpy", "torch", "jax"]
LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 1.0, -0.5], [0.0, 0.0, 3.0]])
LABELS = np.array([0.0, 2.0, -100.0])
TANGENT = np.array([[1.0, -0.5, 0.25], [0.5, 1.0, -1.0], [0.25, 0.5, 1.0]])


def answer(name, request):
    adapter = resolve(name)
    adapter.start()
    outputs = adapter.eval(request)
    assert isinstance(outputs, Outputs), outputs
    return outputs


def rows(**changes):
    fields: dict[str, Any] = {
        "operation": "cross_entropy",
        "inputs": {"logits": LOGITS, "labels": LABELS},
        "kinds": {"labels": "index"},
        "arrays": {"class_weights": np.array([1.0, 2.0, 5.0])},
        "params": {"label_smoothing": 0.1},
        "want": ("value", "grad_logits"),
    }
    return Request(**{**fields, **changes})


def truth(logits=LOGITS):
    arguments = {"class_weights": np.array([1.0, 2.0, 5.0]), "label_smoothing": 0.1}
    labels = LABELS.astype(int)
    return (
        refimpl.cross_entropy(logits, labels, reduction="none", **arguments),
        refimpl.cross_entropy_grad(logits, labels, **arguments),
    )


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_integer_labels_and_rows(name):
    outputs = answer(name, rows())
    for actual, expected in zip(outputs.arrays.values(), truth(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)
    mean = answer(name, rows(reduction="parts", want=("value", "normalizer")))
    assert mean.arrays["normalizer"] == 6  # of classes 0 and 2


@pytest.mark.parametrize(
    ("name", "transform"),
    [
        *(("torch", t) for t in ("vmap", "checkpoint", "autocast")),
        *(("jax", t) for t in ("jit", "vmap", "checkpoint")),
    ],
)
def test_transforms_of_rows(name, transform):
    cotangent = np.array([1.0, -0.5, 0.25])
    outputs = answer(name, rows(transform=transform, cotangent=cotangent))
    value, slope = truth()
    np.testing.assert_allclose(outputs.arrays["value"], value, rtol=1e-13)
    weighted = slope * cotangent[:, None]
    np.testing.assert_allclose(outputs.arrays["grad_logits"], weighted, rtol=1e-13)


def test_export():
    outputs = answer("torch", rows(transform="export", want=("value",)))
    np.testing.assert_allclose(outputs.arrays["value"], truth()[0], rtol=1e-13)


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_derivatives_along_a_tangent(name):
    asked = {"transform": "jvp", "want": ("value", "jvp"), "tangent": TANGENT}
    outputs = answer(name, rows(**asked))
    along = (truth()[1] * TANGENT).sum(axis=1)
    np.testing.assert_allclose(outputs.arrays["jvp"], along, rtol=1e-13)
    asked = {"transform": "hessian", "want": ("hvp",), "tangent": TANGENT}
    outputs = answer(name, rows(**asked))
    step = 1e-5
    moved = [truth(LOGITS + sign * step * TANGENT)[1] for sign in (1, -1)]
    difference = (moved[0] - moved[1]) / (2 * step)
    np.testing.assert_allclose(outputs.arrays["hvp"], difference, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "transform"),
    [("numpy", "eager"), ("torch", "eager"), ("jax", "eager"), ("jax", "jit")],
)
def test_state_goes_in_and_comes_out(name, transform):
    state = np.array([4.0, 1.0]), np.array([3.0, 1.0])
    request = Request(
        operation="ghmr_loss",
        positional=("predictions", "targets"),
        inputs={"predictions": np.array([0.0, 3.0, 0.01]), "targets": np.zeros(3)},
        arrays={"state_counts": state[0], "state_updates": state[1]},
        kinds={"state_updates": "index"},
        params={"bins": 2, "momentum": 0.5},
        returns="loss_and_state",
        transform=transform,
        want=("value", "state_counts", "state_updates"),
    )
    outputs = answer(name, request)
    inputs = request.inputs["predictions"], request.inputs["targets"]
    given = (state[0], state[1].astype(int))
    loss, after = refimpl.ghmr_loss(
        *inputs, given, bins=2, momentum=0.5, reduction="none"
    )
    np.testing.assert_allclose(outputs.arrays["value"], loss, rtol=1e-13)
    np.testing.assert_array_equal(outputs.arrays["state_counts"], after.counts)
    np.testing.assert_array_equal(outputs.arrays["state_updates"], [4, 2])
    assert "int" in outputs.dtypes["state_updates"]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_selection(name):
    request = Request(
        operation="hard_example_mining",
        positional=("losses",),
        inputs={"losses": np.array([1.0, 3.0, 2.0, 3.0])},
        params={"fraction": 0.5},
        returns="selection",
        want=("indices", "mask"),
    )
    outputs = answer(name, request)
    assert outputs.arrays["indices"].tolist() == [1, 3]
    assert outputs.arrays["mask"].tolist() == [0, 1, 0, 1]
    assert outputs.dtypes["mask"] == "bool"


def test_function_without_state_is_not_implemented():
    def stateless(logits, labels, *, reduction="mean"):
        return logits * labels * len(reduction)

    adapter = from_functions({"ghmc_loss": stateless}, framework="numpy")
    request = Request(
        operation="ghmc_loss",
        inputs={"logits": LOGITS[0], "labels": LABELS},
        arrays={"state_counts": np.zeros(2), "state_updates": np.zeros(2)},
        returns="loss_and_state",
    )
    assert adapter.eval(request) == NotImplementedOperation("no argument 'state'")
