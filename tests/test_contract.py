"""Signatures, messages and imports: one contract, held three times."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import jax_impl
import refimpl
import torch_impl
from tests.backends import ALL, JAX, Backend

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
ADAPTIVE, CE, GHMC = "adaptive_bce_with_logits", "cross_entropy", "ghmc_loss"
ONES = np.ones((2, 3), np.float32)


def _functions(module):
    return {n for n in module.__all__ if n.islower() and not n.endswith("_grad")}


def test_backends_export_the_same_functions():
    assert _functions(torch_impl) == _functions(jax_impl) == _functions(refimpl)
    for module in (refimpl, torch_impl, jax_impl):
        assert list(module.__all__) == sorted(module.__all__)
    # Mining selects; there is nothing to differentiate.
    losses = _functions(refimpl) - {"hard_example_mining"}
    assert {f"{n}_grad" for n in losses} <= set(refimpl.__all__)


@pytest.mark.parametrize("name", sorted(_functions(refimpl)))
@pytest.mark.parametrize("module", [torch_impl, jax_impl])
def test_signatures_are_identical(name, module):
    def signature(module):
        parameters = inspect.signature(getattr(module, name)).parameters.values()
        return [(p.name, p.kind, p.default) for p in parameters]

    assert signature(module) == signature(refimpl)


@pytest.mark.parametrize("name", sorted(_functions(refimpl) - {"hard_example_mining"}))
def test_gradient_takes_the_arguments_of_its_loss(name):
    loss = inspect.signature(getattr(refimpl, name)).parameters
    gradient = inspect.signature(getattr(refimpl, f"{name}_grad")).parameters
    assert [p for p in gradient if p != "argument"] == [
        p for p in loss if p != "reduction"
    ]


BAD_CALLS = [
    (BCE, ONES, np.ones((2, 1)), {}, "must have the same shape, got (2, 3) and (2, 1)"),
    (BCE, np.ones((2, 3), int), ONES, {}, "logits must have dtype"),
    (BCE, ONES, ONES + 0j, {}, "labels must be real, got complex64"),
    (BCE, ONES, ONES, {"reduction": "avg"}, "reduction must be one of"),
    (BCE, ONES, ONES, {"label_smoothing": 1.0}, "label_smoothing must be in [0, 1)"),
    (BCE, ONES, ONES, {"pos_weight": -1.0}, "pos_weight must be finite and >= 0"),
    (BCE, ONES, ONES, {"pos_weight": np.ones(2)}, "pos_weight must be a scalar or"),
    (BCE, ONES, ONES, {"pos_weight": np.ones(1)}, "got shape (1,). One weight for all"),
    (BCE, ONES, ONES, {"pos_weight": np.ones((3, 1))}, "pos_weight must be a scalar"),
    (BCE, ONES, ONES, {"class_axis": 2}, "class_axis must be in [-2, 1]"),
    (BCE, ONES, ONES, {"sample_weight": np.ones(2)}, "must have shape (2, 3)"),
    (BCE, ONES, ONES, {"sample_weight": 2.0}, "sample_weight must be an array"),
    (FOCAL, ONES, ONES, {"gamma": -0.5}, "gamma must be finite and >= 0, got -0.5"),
    (FOCAL, ONES, ONES, {"gamma": float("nan")}, "gamma must be finite and >= 0"),
    (FOCAL, ONES, ONES, {"gamma": "2"}, "gamma must be a number or a 0-d array"),
    (FOCAL, ONES, ONES, {"gamma": np.ones(3)}, "a number or a 0-d array, got an array"),
    (FOCAL, ONES, ONES, {"gamma": True}, "a number or a 0-d array, got True"),
    (BCE, ONES, ONES, {"sample_weight": ONES + 0j}, "sample_weight must be real"),
    (CE, np.ones((2, 0), np.float32), np.zeros(2, int), {}, "must have a class"),
    (CE, ONES, np.zeros(2, int), {"class_weights": ONES[0] + 0j}, "must be real"),
    (GHMC, ONES, ONES, {"state": [1, 2]}, "a pair (counts, updates), got a list of 2"),
    (
        GHMC,
        ONES,
        ONES,
        {"state": (np.ones(10), np.ones(10))},
        "state updates must be integers, got float64",
    ),
    (FOCAL, ONES, ONES, {"alpha": 1.5}, "alpha must be in [0, 1], got 1.5"),
    (
        ADAPTIVE,
        ONES,
        ONES,
        {"pos_weight": 5.0, "modulator": "loss"},
        "modulator must be one of 'probability', 'weighted_loss', got 'loss'",
    ),
]


def _message(backend: Backend, name, logits, labels, options):
    def convert(value):
        if isinstance(value, tuple):
            return tuple(convert(part) for part in value)
        is_tensor = backend.name == "torch" and isinstance(value, np.ndarray)
        return torch.tensor(value) if is_tensor else value

    options = {key: convert(value) for key, value in options.items()}
    with pytest.raises((TypeError, ValueError)) as caught:
        backend.loss(name)(convert(logits), convert(labels), **options)
    return caught.type, str(caught.value)


@pytest.mark.parametrize(("name", "logits", "labels", "options", "text"), BAD_CALLS)
def test_bad_calls_name_the_argument_alike(name, logits, labels, options, text):
    messages = [_message(b, name, logits, labels, options) for b in ALL]
    assert text in messages[0][1]
    assert messages[0] == messages[1] == messages[2]


@pytest.mark.parametrize("backend", ALL, ids=str)
def test_lists_are_refused_by_name(backend):
    with pytest.raises(TypeError, match="logits must be an array, got list"):
        backend.loss(BCE)([1.0], [1.0])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"labels": np.array([0.0, 1.5])}, r"labels must be in \[0, 1\], got 1.5 at"),
        (
            {"sample_weight": np.array([1.0, np.nan])},
            "sample_weight must be finite and >= 0",
        ),
        (
            {"pos_weight": np.array([1.0, -2.0])},
            "pos_weight must be finite and >= 0, got -2.0",
        ),
    ],
)
def test_reference_raises_for_values_out_of_range(options, text):
    options = {"logits": np.zeros(2), "labels": np.ones(2)} | options
    with pytest.raises(ValueError, match=text):
        refimpl.binary_cross_entropy_with_logits(**options)


def test_jax_refuses_to_narrow_float64():
    logits = np.zeros(2)
    with pytest.raises(ValueError, match="set jax_enable_x64"):
        jax_impl.sigmoid_focal_loss(logits, logits)
    with JAX.precision("float64"):
        assert str(jax_impl.sigmoid_focal_loss(logits, logits).dtype) == "float64"


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("refimpl", {"torch", "jax"}),
        ("torch_impl", {"jax"}),
        ("jax_impl", {"torch"}),
        ("conformance", {"torch", "jax", "mpmath"}),
    ],
)
def test_importing_one_backend_loads_no_other(package, absent):
    code = f"import sys, {package}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not absent & set(modules.stdout.split())


@pytest.mark.parametrize("package", ["torch_impl", "jax_impl", "refimpl"])
def test_implementations_never_load_the_suite(package):
    code = f"import sys, {package}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "conformance" not in modules.stdout.split()


@pytest.mark.parametrize("package", ["torch_impl", "jax_impl"])
def test_frameworks_take_checks_and_draws_from_the_reference_alone(package):
    taken = set()
    for path in (Path(refimpl.__file__).parents[1] / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                if node.module.split(".")[0] == "refimpl":
                    names = {node.module.partition(".")[2]}
                    taken |= names - {""} or {name.name for name in node.names}
            elif isinstance(node, ast.Import):
                taken |= {n.name for n in node.names if n.name.startswith("refimpl")}
    assert "_validate" in taken
    others = {name for name in taken if not name.startswith("_validate")}
    assert others == ({"sampling"} if package == "torch_impl" else set())
