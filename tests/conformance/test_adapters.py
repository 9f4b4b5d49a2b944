from typing import Any

import numpy as np
import pytest

import refimpl
from conformance.adapters import (
    Errored,
    NotImplementedOperation,
    Outputs,
    Request,
    from_functions,
    resolve,
)
from conformance.errors import UsageError

FOCAL = "sigmoid_focal_loss"
INPUTS: dict[str, Any] = {
    "logits": np.array([-20.0, -1.0, 0.0, 0.5, 3.0]),
    "labels": np.array([1.0, 0.0, 1.0, 0.25, 0.0]),
}
WANT = ("value", "grad_logits", "grad_labels", "grad_gamma")


@pytest.fixture(scope="module", params=["numpy", "torch", "jax"])
def adapter(request):
    adapter = resolve(request.param)
    adapter.start()
    yield adapter
    adapter.stop()


def truth(argument):
    return refimpl.sigmoid_focal_loss_grad(
        **INPUTS, gamma=np.array(1.5), argument=argument
    )


def request(**changes):
    fields = {
        "operation": FOCAL,
        "inputs": INPUTS,
        "arrays": {"gamma": np.array(1.5)},
        "want": WANT,
    }
    return Request(**{**fields, **changes})


def test_all_gradients(adapter):
    outputs = adapter.eval(request())
    assert isinstance(outputs, Outputs)
    value = refimpl.sigmoid_focal_loss(**INPUTS, gamma=1.5, reduction="none")
    np.testing.assert_allclose(outputs.arrays["value"], value, rtol=1e-13)
    for argument in ("logits", "labels", "gamma"):
        actual = outputs.arrays[f"grad_{argument}"]
        np.testing.assert_allclose(actual, truth(argument), rtol=1e-13)
    assert set(outputs.dtypes.values()) == {"float64"}


@pytest.mark.parametrize(
    ("name", "transform", "traces"),
    [
        ("torch", "compile", 1),
        ("torch", "vmap", None),
        ("jax", "jit", 1),
        ("jax", "vmap", 1),
    ],
)
def test_transforms_agree_and_trace_once(name, transform, traces):
    adapter = resolve(name)
    adapter.start()
    cotangent = np.array([1.0, -0.5, 0.25, 2.0, -1.0])
    asked = request(transform=transform, dtype="float32", cotangent=cotangent)
    adapter.eval(asked)
    outputs = adapter.eval(asked)
    assert isinstance(outputs, Outputs), outputs
    np.testing.assert_allclose(
        outputs.arrays["grad_logits"], cotangent * truth("logits"), rtol=1e-5
    )
    assert outputs.arrays["grad_gamma"].shape == ()
    assert outputs.traces == traces


def test_traces_are_counted():
    def retraced(logits, labels, *, gamma, reduction):
        del reduction
        return logits * labels * gamma

    adapter = from_functions({FOCAL: retraced}, framework="jax")
    one = request(transform="jit", want=("value",))
    short = {k: v[:2] for k, v in INPUTS.items()}
    counts = [
        adapter.eval(asked)
        for asked in (one, one, request(transform="jit", want=("value",), inputs=short))
    ]
    assert [outputs.traces for outputs in counts if isinstance(outputs, Outputs)] == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("name", ["torch", "jax"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_comes_back_as_stated(name, dtype):
    adapter = resolve(name)
    adapter.start()
    outputs = adapter.eval(request(dtype=dtype, arrays={}, want=WANT[:2]))
    assert isinstance(outputs, Outputs)
    assert outputs.dtypes == {"value": "float32", "grad_logits": dtype}


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_parts_and_mean(name):
    adapter = resolve(name)
    adapter.start()
    parts = adapter.eval(request(reduction="parts", want=("value", "normalizer")))
    mean = adapter.eval(request(reduction="mean", want=("value", "grad_logits")))
    assert isinstance(parts, Outputs)
    assert isinstance(mean, Outputs)
    assert parts.arrays["normalizer"] == 5
    assert mean.arrays["value"] == pytest.approx(parts.arrays["value"] / 5)
    np.testing.assert_allclose(mean.arrays["grad_logits"], truth("logits") / 5)


def test_jax_setting_is_left_alone():
    import jax

    before = jax.numpy.asarray(1.0).dtype
    outputs = resolve("jax").eval(request())
    assert isinstance(outputs, Outputs)
    assert jax.numpy.asarray(1.0).dtype == before


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_detached_gradient_is_zero_not_an_error(framework):
    import jax
    import torch

    def detached(logits, labels, *, reduction):
        del labels, reduction
        return (
            logits.detach() if framework == "torch" else jax.lax.stop_gradient(logits)
        )

    assert torch  # both frameworks are needed by one parameter each
    adapter = from_functions({FOCAL: detached}, framework=framework)
    outputs = adapter.eval(request(arrays={}, want=("value", "grad_logits")))
    assert isinstance(outputs, Outputs)
    assert not outputs.arrays["grad_logits"].any()


def test_numpy_without_gradient_answers_the_value_only():
    adapter = from_functions({FOCAL: refimpl.sigmoid_focal_loss}, framework="numpy")
    outputs = adapter.eval(request())
    assert isinstance(outputs, Outputs)
    assert set(outputs.arrays) == {"value"}


def test_what_is_missing_is_not_implemented():
    def plain(logits, labels, *, reduction):
        return logits * labels * len(reduction)

    adapter = from_functions({FOCAL: plain}, framework="numpy")
    missing = adapter.eval(request())
    assert missing == NotImplementedOperation("no argument 'gamma'")
    other = adapter.eval(request(operation="other"))
    assert other == NotImplementedOperation("no other")


def test_what_raises_is_an_answer():
    def raising(logits, labels, **_):
        raise RuntimeError(f"{logits.size} and {labels.size}")

    adapter = from_functions({FOCAL: raising}, framework="numpy")
    assert adapter.eval(request()) == Errored("RuntimeError", "5 and 5")


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("tensorflow", "expected numpy, torch, jax, peer:"),
        ("py:", "expected numpy, torch, jax, peer:"),
        ("py:no.such.module:adapter", "cannot import no.such.module"),
        ("py:refimpl:nothing", "refimpl has no nothing"),
        ("py:refimpl:sigmoid_focal_loss", "without start, eval, stop"),
    ],
)
def test_wrong_names_say_what_is_accepted(name, phrase):
    with pytest.raises(UsageError, match=phrase) as caught:
        resolve(name)
    assert name in str(caught.value)


def test_unknown_framework():
    with pytest.raises(ValueError, match="numpy, torch, jax, got 'keras'"):
        from_functions({}, framework="keras")


def test_function_that_knows_no_parts_lacks_them():
    def known(logits, labels, *, reduction="mean"):
        if reduction not in ("none", "sum", "mean"):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        return refimpl.sigmoid_focal_loss(logits, labels, reduction=reduction)

    def broken(logits, labels, **_):
        raise ValueError(f"shapes {logits.shape} and {labels.shape} do not fit")

    inputs = {"logits": np.zeros(2), "labels": np.ones(2)}
    asked = Request("sigmoid_focal_loss", inputs, reduction="parts")
    for function, kind in ((known, NotImplementedOperation), (broken, Errored)):
        adapter = from_functions({"sigmoid_focal_loss": function}, framework="numpy")
        assert isinstance(adapter.eval(asked), kind)
