"""The gradient tools, the same in the three implementations."""

import tracemalloc

import jax
import numpy as np
import optax
import pytest
import torch

import jax_impl.gradients
import refimpl.gradients
import torch_impl.gradients
from tests.backends import ALL, COMPILED, JAX, TORCH, to_numpy

TOOLS = {
    "numpy": refimpl.gradients,
    "torch": torch_impl.gradients,
    "jax": jax_impl.gradients,
}
SHAPES = {"a.kernel": (4, 3), "a.bias": (3,), "b.kernel": (3, 2, 5), "scale": ()}
# Roundings of a norm of 46 squares (two orders of their sum), and three of the scale.
ROUNDINGS = 24


def drawn(seed=0, factor=1.0):
    generator = np.random.default_rng(seed)
    return {
        name: np.asarray(factor * generator.normal(size=shape))
        for name, shape in SHAPES.items()
    }


def given(backend, gradients, dtype="float64"):
    return {name: backend.array(array, dtype) for name, array in gradients.items()}


def assert_same(actual, expected, unit=2.0**-53):
    assert set(actual) == set(expected)
    for name, array in expected.items():
        wanted = to_numpy(array)
        np.testing.assert_allclose(
            to_numpy(actual[name]), wanted, rtol=ROUNDINGS * unit, atol=0
        )


@pytest.mark.parametrize("eps", [0.0, 1e-6, 0.3])
@pytest.mark.parametrize("factor", [1e-3, 0.1, 1.0, 1e3])
@pytest.mark.parametrize("backend", COMPILED, ids=str)
def test_clipping_is_that_of_the_reference(backend, factor, eps):
    gradients = drawn(1, factor)
    expected, norm = TOOLS["numpy"].clip_by_global_norm(gradients, 0.7, eps=eps)
    with backend.precision("float64"):
        clipped, own = TOOLS[backend.name].clip_by_global_norm(
            given(backend, gradients), 0.7, eps=eps
        )
        assert_same(clipped, expected)
        assert_same({"": own}, {"": norm})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [1e-3, 0.14, 1.0, 1e3])
def test_presets_are_those_of_the_frameworks(factor, dtype):
    gradients, unit = drawn(2, factor), float(np.finfo(dtype).eps) / 2
    tensors = given(TORCH, gradients, dtype)
    clipped, _ = TOOLS["torch"].clip_by_global_norm(
        tensors, 1.0, eps=torch_impl.gradients.TORCH_CLIP_EPS
    )
    parameters = [torch.zeros_like(tensor) for tensor in tensors.values()]
    for parameter, tensor in zip(parameters, tensors.values(), strict=True):
        parameter.grad = tensor.clone()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    grads = [parameter.grad for parameter in parameters]
    assert_same(clipped, dict(zip(tensors, grads, strict=True)), unit)
    with JAX.precision(dtype):
        arrays = given(JAX, gradients, dtype)
        theirs, _ = optax.clip_by_global_norm(1.0).update(arrays, optax.EmptyState())
        clipped, _ = TOOLS["jax"].clip_by_global_norm(
            arrays, 1.0, eps=jax_impl.gradients.OPTAX_CLIP_EPS
        )
        assert_same(clipped, theirs, unit)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ALL, ids=str)
def test_below_the_limit_not_a_bit_changes(backend, dtype):
    # 1.9 times its rounded reciprocal is not 1, nor is 6.3 times its own; in float32
    # the last is infinite.
    with backend.precision(dtype):
        for max_norm in (1.9, 6.3, 1e308):
            for entry in (0.3, 0.0):
                gradients = [backend.array([entry], dtype)]
                clipped, _ = TOOLS[backend.name].clip_by_global_norm(
                    gradients, max_norm, eps=0.0
                )
                assert to_numpy(clipped[0]) == to_numpy(gradients[0])


@pytest.mark.parametrize("backend", COMPILED, ids=str)
@pytest.mark.parametrize("scale", [2.0**-120, 2.0**120])
def test_float32_norm_neither_overflows_nor_underflows(backend, scale):
    # Powers of two: the gradients are the same numbers, far away.
    norms = [
        float(TOOLS[backend.name].global_norm(given(backend, drawn(3, s), "float32")))
        for s in (1.0, scale)
    ]
    assert norms[1] == norms[0] * scale


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("backend", COMPILED, ids=str)
def test_half_precision_is_computed_in_float32(backend, dtype):
    gradients = given(backend, {"a": [6e4, -6e4], "b": [1e-4]}, dtype)
    wide = {name: to_numpy(array) for name, array in gradients.items()}
    expected, norm = TOOLS["numpy"].clip_by_global_norm(wide, 3.0, eps=0.0)
    with jax.numpy_dtype_promotion("strict"):
        clipped, own = TOOLS[backend.name].clip_by_global_norm(gradients, 3.0, eps=0.0)
    assert str(own.dtype).removeprefix("torch.") == "float32"
    assert float(own) == pytest.approx(float(norm), rel=1e-6)
    for name, array in clipped.items():
        assert array.dtype == gradients[name].dtype
        # Half a unit of the narrow type, subnormal for the second.
        unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
        np.testing.assert_allclose(
            to_numpy(array), expected[name], rtol=unit * 1.01, atol=2.0**-25
        )
    largest = TOOLS[backend.name].largest_gradients(gradients)
    assert {str(v.dtype).removeprefix("torch.") for v in largest.values()} == {
        "float32"
    }


@pytest.mark.parametrize("backend", ALL, ids=str)
def test_nothing_and_zeros_have_no_norm_and_stay(backend):
    tools = TOOLS[backend.name]
    for empty in ({}, [], [None], {"a": None}):
        clipped, norm = tools.clip_by_global_norm(empty, 1.0, eps=0.0)
        assert clipped == empty
        assert float(norm) == 0.0
        assert tools.nonfinite(empty) == tools.largest_gradients(empty) == {}
        tools.check_finite(empty)
    zeros = [backend.array(np.zeros(2), "float32"), backend.array([], "float32")]
    clipped, norm = tools.clip_by_global_norm(zeros, 1.0, eps=0.0)
    assert [to_numpy(array).tolist() for array in clipped] == [[0.0, 0.0], []]
    assert float(norm) == 0.0


@pytest.mark.parametrize("backend", ALL, ids=str)
def test_absent_gradients_are_skipped_and_keep_their_place(backend):
    tools = TOOLS[backend.name]
    gradients = [backend.array([3.0], "float32"), None, backend.array(4.0, "float32")]
    clipped, norm = tools.clip_by_global_norm(gradients, 2.5, eps=0.0)
    assert (float(norm), clipped[1]) == (5.0, None)
    assert [float(clipped[at].reshape(())) for at in (0, 2)] == [1.5, 2.0]
    assert list(tools.largest_gradients(gradients)) == ["0", "2"]


@pytest.mark.parametrize("backend", ALL, ids=str)
def test_each_of_a_stack_is_clipped_alone(backend):
    tools, stacked = TOOLS[backend.name], given(backend, drawn(5), "float32")
    stacked = {name: stacked[name] for name in ("a.bias", "b.kernel")}
    clipped, norms = tools.clip_by_global_norm(stacked, 0.5, eps=1e-6, stack_axes=1)
    for index in range(3):
        own = {name: array[index] for name, array in stacked.items()}
        alone, norm = tools.clip_by_global_norm(own, 0.5, eps=1e-6)
        assert_same({n: a[index] for n, a in clipped.items()}, alone, 2.0**-24)
        assert_same({"": norms[index]}, {"": norm}, 2.0**-24)


def test_vmap_is_a_stack():
    stacked = drawn(5)
    stacked = {name: stacked[name] for name in ("a.bias", "b.kernel")}
    for backend, vmap in ((TORCH, torch.func.vmap), (JAX, jax.vmap)):
        tools, arrays = TOOLS[backend.name], given(backend, stacked, "float32")
        expected, norms = tools.clip_by_global_norm(arrays, 0.5, eps=0.0, stack_axes=1)
        clipped, own = vmap(
            lambda g, tools=tools: tools.clip_by_global_norm(g, 0.5, eps=0.0)
        )(arrays)
        assert_same(clipped, expected, 2.0**-24)
        assert_same({"": own}, {"": norms}, 2.0**-24)
        counts, largest = vmap(
            lambda g, tools=tools: (tools.nonfinite(g), tools.largest_gradients(g))
        )(arrays)
        assert to_numpy(counts["a.bias"]).tolist() == [0.0, 0.0, 0.0]
        np.testing.assert_array_equal(
            to_numpy(largest["b.kernel"]),
            np.abs(stacked["b.kernel"]).max((1, 2)).astype(np.float32),
        )


@pytest.mark.parametrize("max_norm", [0.3, 1e3])
def test_compiled_is_eager(max_norm):
    def torchs(gradients):
        tools = TOOLS["torch"]
        clipped, norm = tools.clip_by_global_norm(gradients, max_norm, eps=1e-6)
        return (
            clipped,
            norm,
            tools.nonfinite(gradients),
            tools.largest_gradients(clipped),
        )

    tensors = given(TORCH, drawn(6), "float32")
    compiled = torch.compile(torchs, fullgraph=True, backend="aot_eager")
    for found, expected in zip(compiled(tensors), torchs(tensors), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)

    @jax.jit
    def jaxs(gradients, max_norm):
        clipped, norm = TOOLS["jax"].clip_by_global_norm(gradients, max_norm, eps=1e-6)
        return clipped, norm, TOOLS["jax"].nonfinite(gradients)

    arrays = given(JAX, drawn(6), "float32")
    clipped, norm, counts = jaxs(arrays, max_norm)
    eager = TOOLS["jax"].clip_by_global_norm(arrays, max_norm, eps=1e-6)
    assert_same(clipped, eager[0], 2.0**-24)
    assert_same({"": norm}, {"": eager[1]}, 2.0**-24)
    assert not any(jax.device_get(counts).values())


@pytest.mark.parametrize("backend", ALL, ids=str)
def test_bad_parameters_are_named_alike(backend):
    tools, gradients = TOOLS[backend.name], drawn(7)
    gradients["a.kernel"][1, 2], gradients["b.kernel"][2, 1, 0] = np.nan, -np.inf
    gradients["b.kernel"][2, 1, 3] = np.nan
    arrays = given(backend, gradients, "float32")
    counts = {name: int(count) for name, count in tools.nonfinite(arrays).items()}
    assert counts == {"a.kernel": 1, "a.bias": 0, "b.kernel": 2, "scale": 0}
    with pytest.raises(FloatingPointError) as caught:
        tools.check_finite(arrays)
    parts = [
        "'a.kernel' has 1 NaN of 12, the first at (1, 2): nan",
        "'b.kernel' has 1 NaN and 1 infinite of 30, the first at (2, 1, 0): -inf",
    ]
    head, _, told = str(caught.value).partition(": ")
    assert head == "2 of 4 gradients are not finite"
    assert told == "; ".join(parts) + "."


def test_bad_parameters_come_to_the_host_one_after_the_other():
    gradients = [jax.numpy.full(1 << 18, np.nan, "float16") for _ in range(20)]
    tracemalloc.start()
    with pytest.raises(FloatingPointError, match="20 of 20"):
        TOOLS["jax"].check_finite(gradients)
    # Two of them in float64, and what is done with them; all would be 42 MB.
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()


@pytest.mark.parametrize("per", ["parameter", "layer"])
def test_largest_gradients_are_the_same_numbers(per):
    gradients = drawn(8)
    gradients["b.kernel"][1, 0, 0] = np.nan
    expected = TOOLS["numpy"].largest_gradients(gradients, per=per)
    assert np.isnan(expected["b.kernel" if per == "parameter" else "b"])
    for backend in COMPILED:
        with backend.precision("float64"):
            arrays = given(backend, gradients)
            found = TOOLS[backend.name].largest_gradients(arrays, per=per)
            for name, value in expected.items():
                np.testing.assert_array_equal(to_numpy(found[name]), value)
            assert set(found) == set(expected)


def torch_gradients(dtype, weight):
    logits = torch.tensor([-9.0, 9.0], dtype=getattr(torch, dtype), requires_grad=True)
    bias = torch.zeros(1, dtype=logits.dtype, requires_grad=True)
    labels, factor = torch.tensor([1.0, 0.0]).to(logits), torch.tensor(weight)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(
        logits + bias, labels, pos_weight=factor.to(logits), reduction="sum"
    )
    return dict(zip("ab", torch.autograd.grad(loss, [logits, bias]), strict=True))


def jax_gradients(dtype, weight):
    def loss(parameters):
        x, y = parameters["a"] + parameters["b"], jax.numpy.array([1.0, 0.0], dtype)
        w = jax.numpy.array(weight).astype(dtype)
        terms = w * y * jax.nn.softplus(-x) + (1 - y) * jax.nn.softplus(x)
        return terms.sum()

    logits = jax.numpy.array([-9.0, 9.0], dtype)
    return jax.grad(loss)({"a": logits, "b": jax.numpy.zeros(1, dtype)})


@pytest.mark.parametrize(
    ("name", "gradients"), [("torch", torch_gradients), ("jax", jax_gradients)]
)
def test_clipping_does_not_cure_a_weight_of_a_million(name, gradients):
    tools = TOOLS[name]
    # float16 ends at 65504: the weight is infinite there, and infinity times 0 is NaN.
    for dtype, finite in (("float16", False), ("float32", True)):
        raw = gradients(dtype, 1e6)
        clipped, _ = tools.clip_by_global_norm(raw, 1.0, eps=1e-6)
        for found in (raw, clipped):
            bad = {key for key, count in tools.nonfinite(found).items() if int(count)}
            assert bad == (set() if finite else {"a", "b"})
    assert float(tools.global_norm(clipped)) == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(FloatingPointError, match=r"2 of 2 .*'a' has .*'b' has"):
        tools.check_finite(gradients("float16", 1e6))
