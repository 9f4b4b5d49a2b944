import numpy as np
import pytest

import jax_impl
import refimpl
import torch_impl
from conformance.adapters import Outputs, Request, from_functions
from conformance.adapters.layout import arranged, changed

FOCAL = "sigmoid_focal_loss"
LAYOUTS = ("contiguous", "strided", "transposed", "broadcast")
MODULES = {"numpy": refimpl, "torch": torch_impl, "jax": jax_impl}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_content_is_kept_in_memory_of_its_own(layout, shape, dtype):
    array = np.resize(np.arange(2), shape).astype(dtype)
    found = arranged(array, layout)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    assert not np.shares_memory(found, array)
    assert found.flags.writeable


def test_layouts_are_what_they_say():
    array = np.arange(12.0).reshape(3, 4)
    assert arranged(array, "strided").strides == (64, 16)
    assert arranged(array, "transposed").flags.f_contiguous
    assert arranged(np.ones((3, 4)), "broadcast").strides == (0, 0)
    with pytest.raises(ValueError, match="layout must be one of"):
        arranged(array, "reversed")


def test_change_is_seen_even_in_nan_and_signed_zero():
    array = np.array([0.0, np.nan])
    assert not changed(array, array.copy())
    assert changed(array, np.array([-0.0, np.nan]))
    assert changed(array, array[:1])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("framework", MODULES)
def test_functions_get_the_layout_and_leave_it(framework, layout):
    seen = []

    def spying(logits, labels, **options):
        seen.append(logits if framework != "torch" else logits.detach())
        return MODULES[framework].sigmoid_focal_loss(logits, labels, **options)

    x = np.ones((3, 4)) if layout == "broadcast" else np.arange(12.0).reshape(3, 4)
    request = Request(FOCAL, {"logits": x, "labels": x > 5}, layout=layout)
    outputs = from_functions({FOCAL: spying}, framework=framework).eval(request)
    assert isinstance(outputs, Outputs), outputs
    assert outputs.mutated == ()
    expected = refimpl.sigmoid_focal_loss(x, x > 5, reduction="none")
    np.testing.assert_allclose(outputs.arrays["value"], expected)
    if framework != "jax" or layout != "contiguous":
        array = seen[0].numpy() if framework == "torch" else seen[0]
        assert array.flags.c_contiguous == (layout == "contiguous")


@pytest.mark.parametrize("layout", ["contiguous", "strided"])
@pytest.mark.parametrize("framework", MODULES)
def test_arguments_written_over_are_named(framework, layout):
    if (framework, layout) == ("jax", "contiguous"):
        pytest.skip("JAX's own arrays cannot be written over")

    def halving(logits, labels, **options):
        labels *= 0.5
        return MODULES[framework].sigmoid_focal_loss(logits, labels, **options)

    x = np.arange(12.0).reshape(3, 4)
    inputs = {"logits": x, "labels": (x > 5).astype(float)}
    request = Request(FOCAL, inputs, layout=layout)
    outputs = from_functions({FOCAL: halving}, framework=framework).eval(request)
    assert isinstance(outputs, Outputs), outputs
    assert outputs.mutated == ("labels",)
    assert inputs["labels"].max() == 1
