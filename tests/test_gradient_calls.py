"""The gradient tools: one contract, held three times."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jax_impl.gradients
import refimpl.gradients
import torch_impl.gradients
from tests.backends import ALL, NUMPY, TORCH

TOOLS = {
    "numpy": refimpl.gradients,
    "torch": torch_impl.gradients,
    "jax": jax_impl.gradients,
}

BAD = "gradients['a'] must have dtype float16, bfloat16, float32 or float64, got "
BAD_CALLS = [
    ("global_norm", {"a": np.arange(2, dtype="i")}, (), {}, BAD + "int32"),
    ("check_finite", {"a": np.ones(1, "F")}, (), {}, BAD + "complex64"),
    ("nonfinite", {"a": np.ones(1, bool)}, (), {}, BAD + "bool"),
    ("largest_gradients", {}, (), {"per": "model"}, "per must be one of 'parameter'"),
    ("global_norm", {}, (), {"stack_axes": -1}, "stack_axes must be >= 0"),
    (
        "global_norm",
        {"a": np.ones((2, 3), "f"), "b": np.ones((3, 2), "f")},
        (),
        {"stack_axes": 1},
        "gradients['b'] must start with the axes (2,) of the others, as stack_axes=1",
    ),
    (
        "global_norm",
        {"a": np.ones((), "f")},
        (),
        {"stack_axes": 1},
        "gradients['a'] must have an axis for each of stack_axes=1, got shape ()",
    ),
    (
        "clip_by_global_norm",
        {},
        (0.0,),
        {"eps": 0.0},
        "max_norm must be finite and > 0",
    ),
    ("clip_by_global_norm", {}, (1.0,), {"eps": -1.0}, "eps must be finite and >= 0"),
]


@pytest.mark.parametrize(("name", "gradients", "args", "options", "text"), BAD_CALLS)
def test_bad_calls_name_the_argument_alike(name, gradients, args, options, text):
    messages = []
    for backend in ALL:
        own = {key: backend.exact(array) for key, array in gradients.items()}
        with pytest.raises((TypeError, ValueError)) as caught:
            getattr(TOOLS[backend.name], name)(own, *args, **options)
        messages.append((caught.type, str(caught.value)))
    assert text in messages[0][1]
    assert messages[0] == messages[1] == messages[2]


def test_names_must_be_strings_and_differ():
    for backend in (NUMPY, TORCH):
        tools, one = TOOLS[backend.name], backend.array([1.0], "float32")
        with pytest.raises(
            TypeError, match="names of gradients must be strings, got 0"
        ):
            tools.global_norm({0: one})
        with pytest.raises(
            TypeError, match="must be a mapping, an iterable or an array"
        ):
            tools.global_norm(1.0)
        with pytest.raises(ValueError, match="must differ, got 'a' twice"):
            tools.nonfinite([("a", one), ("a", one)])
    one = jnp.ones(1)
    with pytest.raises(ValueError, match=r"must differ, got 'a\.b' twice"):
        TOOLS["jax"].nonfinite({"a.b": one, "a": {"b": one}})


def test_traced_values_are_not_checked():
    message = "needs concrete values, .* return nonfinite"
    with pytest.raises(TypeError, match=message):
        jax.jit(TOOLS["jax"].check_finite)({"a": jnp.ones(2)})
    with pytest.raises(TypeError, match=message):
        torch.func.vmap(TOOLS["torch"].check_finite)({"a": torch.ones(2, 3)})


@pytest.mark.parametrize("name", ["global_norm", "nonfinite", "check_finite"])
def test_jax_refuses_to_narrow_float64(name):
    # In float32 a sound 1e300 were infinite.
    with pytest.raises(ValueError, match=r"gradients\['a'\] are float64 but JAX comp"):
        getattr(TOOLS["jax"], name)({"a": np.ones(2)})
