"""What must be refused is refused by name; what is planted otherwise is found."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import refimpl
from conformance.adapters import from_functions, resolve
from conformance.profiles.bad_input import POISONS, REFUSALS, units
from conformance.profiles.evaluate import ask
from conformance.profiles.unit import Scope
from conformance.registry import OPERATIONS

FOCAL, CE, GHMC = "sigmoid_focal_loss", "cross_entropy", "ghmc_loss"
PROBS, MINING = "binary_cross_entropy", "hard_example_mining"
RIGHT = {name: getattr(refimpl, name) for name in refimpl.__all__ if name.islower()}
focal, ce = RIGHT[FOCAL], RIGHT[CE]


def results(adapter, operation, impl="any"):
    scope = Scope(operation, [], [], adapter.start())
    for check in units(scope):
        yield from check.run(lambda asked: ask(adapter, asked), impl, "cpu", 0.0)


@pytest.mark.parametrize("impl", ["numpy", "torch"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_own_implementations_refuse_alike(impl, operation):
    found = list(results(resolve(impl), operation, impl))
    assert len(found) > 8
    assert not [r for r in found if r.status != "pass"]
    assert all(r.compared for r in found)


@pytest.mark.parametrize("operation", [FOCAL, CE, GHMC])
def test_jax_refuses_alike_and_poisons_under_jit(operation):
    found = list(results(resolve("jax"), operation, "jax"))
    assert {r.transform for r in found} == {"eager", "jit"}
    assert not [r for r in found if r.status != "pass"]


def test_names_are_unique():
    for rows in (REFUSALS, POISONS):
        keys = [(row.call.operation, row.name) for row in rows]
        assert len(set(keys)) == len(keys)
    assert {row.call.operation for row in REFUSALS} == set(OPERATIONS)
    assert {row.call.operation for row in POISONS} == set(OPERATIONS) - {MINING}


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
def test_texts_name_the_argument_and_what_came(row):
    assert row.text.endswith(".")
    assert ", got " in row.text
    named = {*row.call.inputs, *row.call.options, "reduction", "state"}
    assert row.text.split()[0] in named


def broadcasting(x, y, **options):
    return focal(*np.broadcast_arrays(x, y), **options)


def absolute_gamma(x, y, *, gamma=2.0, **options):
    return focal(x, y, gamma=gamma if isinstance(gamma, str) else abs(gamma), **options)


def terse(x, y, *, alpha=None, **options):
    if isinstance(alpha, float) and not 0 <= alpha <= 1:
        raise ValueError("bad alpha")
    return focal(x, y, alpha=alpha, **options)


def asserting(x, y, *, alpha=None, **options):
    assert alpha is None or np.all(np.asarray(alpha) <= 1)
    return focal(x, y, alpha=alpha, **options)


def any_reduction(x, y, *, reduction="mean", **options):
    known = ("none", "sum", "mean", "parts")
    return focal(x, y, reduction=reduction if reduction in known else "none", **options)


def clipped(x, y, **options):
    return focal(x, np.clip(y, 0, 1), **options)


def wrapped(x, y, **options):
    bad = y.dtype.kind == "i" and y.ndim < x.ndim
    return ce(x, y % x.shape[-1] if bad else y, **options)


def all_poisoned(x, y, **options):
    try:
        return focal(x, y, **options)
    except ValueError:
        if options["reduction"] != "none" or x.shape != y.shape:
            raise
        return np.full(x.shape, np.nan)


PLANTED = [
    (FOCAL, broadcasting, "labels-with-one-more-axis", "answered"),
    (FOCAL, absolute_gamma, "gamma--1.0", "answered"),
    (FOCAL, terse, "alpha-1.5", "raised ValueError: bad alpha, expected ValueError: a"),
    (FOCAL, asserting, "alpha-1.5", "raised AssertionError"),
    (FOCAL, any_reduction, "reduction-other", "answered"),
    (FOCAL, clipped, "poison-labels-1.5", "a plausible number in example 4"),
    (CE, wrapped, "poison-labels--1", "a plausible number in example 4"),
    (FOCAL, all_poisoned, "poison-labels-1.5", "NaN in example 0, which is in order"),
]


@pytest.mark.parametrize(("operation", "fault", "name", "reason"), PLANTED)
def test_planted_leniency_is_found(operation, fault, name, reason):
    # Only the project's own names are held to the text.
    adapter = from_functions({**RIGHT, operation: fault}, framework="numpy")
    found = list(results(adapter, operation, "numpy"))
    failed = [r for r in found if r.status == "fail" and r.group.endswith(f"/{name}")]
    assert any(r.reason.startswith(reason) for r in failed), failed


def test_others_are_held_to_the_type_alone():
    adapter = from_functions({**RIGHT, FOCAL: terse}, framework="numpy")
    assert {r.status for r in results(adapter, FOCAL)} == {"pass"}
    adapter = from_functions({**RIGHT, FOCAL: asserting}, framework="numpy")
    wrong = [r for r in results(adapter, FOCAL) if r.status == "fail"]
    assert {r.group.rpartition("/")[2] for r in wrong} > {"alpha-1.5"}


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_plausible_numbers_of_compiled_code_are_found(framework):
    if framework == "torch":
        import torch_impl as module
    else:
        import jax_impl as module

    def lenient(x, y, *, gamma: Any = 2.0, sample_weight=None, **options):
        if getattr(gamma, "shape", None) == ():
            gamma = abs(gamma)
        return module.sigmoid_focal_loss(
            x, y, gamma=gamma, sample_weight=sample_weight, **options
        )

    adapter = from_functions({FOCAL: lenient}, framework=framework)
    failed = [r for r in results(adapter, FOCAL) if r.status == "fail"]
    assert {r.group.rpartition("/")[2] for r in failed} == {"poison-gamma--1.0"}
    assert {r.output for r in failed} == {"value", "grad_logits", "mean"}


def test_poison_of_the_value_alone_is_not_enough():
    wrong = {**RIGHT, f"{PROBS}_grad": lambda p, y, **_: np.zeros_like(p - y)}

    def lenient(p, y, **options):
        sane = np.where(np.isnan(p), 0.5, np.clip(p, 0, 1))
        return RIGHT[PROBS](sane, y, **options) + np.where(p == sane, 0, np.nan)

    adapter = from_functions({**wrong, PROBS: lenient}, framework="numpy")
    checks = units(Scope(PROBS, [], [], adapter.start()))
    (check,) = (c for c in checks if c.path.endswith("poison-probs-nan"))
    found = list(check.run(lambda asked: ask(adapter, asked), "any", "cpu", 0.0))
    assert {r.output: r.status for r in found}["value"] == "pass"
    assert {r.output: r.status for r in found}["grad_probs"] == "fail"


def test_adapter_without_an_answer_is_no_pass():
    adapter = from_functions({}, framework="numpy")
    scope = Scope(FOCAL, [], [], replace(adapter.start(), operations=(FOCAL,)))
    found = [
        r
        for check in units(scope)
        for r in check.run(lambda asked: ask(adapter, asked), "any", "cpu", 0.0)
    ]
    assert {r.status for r in found} == {"not_implemented"}


def test_function_with_few_arguments_is_asked_about_those_it_has():
    def few(x, y, *, gamma=2.0, reduction="mean"):
        return focal(x, y, gamma=np.abs(gamma), reduction=reduction)

    def shapeless(x, y, **_):
        return np.zeros(len(x) + 1) + y.sum()

    adapter = from_functions({FOCAL: few}, framework="numpy")
    found = {r.group.rpartition("/")[2]: r for r in results(adapter, FOCAL)}
    assert found["poison-gamma--1.0"].reason.startswith("a plausible number")
    assert found["poison-labels-1.5"].status == "pass"
    assert found["poison-alpha-1.5"].reason == "no argument 'alpha'"
    adapter = from_functions({FOCAL: shapeless}, framework="numpy")
    reasons = {r.reason for r in results(adapter, FOCAL)}
    assert "shape (13,), expected 12 examples" in reasons
