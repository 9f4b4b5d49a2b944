"""The reference against the 50-digit truth, at a quarter of the backends' budget."""

import numpy as np
import pytest

import refimpl
from conformance import vectors
from conformance.budgets import C_REFERENCE, error_units
from conformance.registry import OPERATIONS

CASES = [(name, output) for name, op in OPERATIONS.items() for output in op.outputs]


def evaluate(operation, output, inputs, arguments, reduction="none"):
    if output.startswith("grad_"):
        gradient = getattr(refimpl, f"{operation}_grad")
        return gradient(**inputs, **arguments, argument=output.removeprefix("grad_"))
    return getattr(refimpl, operation)(**inputs, **arguments, reduction=reduction)


def misses(expected, actual, names):
    found = error_units(actual, expected.hi, expected.lo, expected.scale, "float64")
    return [
        f"{names[i]}: {found.flat[i]:.3g} units, {np.asarray(actual).flat[i]!r} "
        f"instead of {expected.hi.flat[i]!r}"
        for i in np.flatnonzero(~(found <= C_REFERENCE))
    ]


@pytest.mark.parametrize(("operation", "output"), CASES)
def test_every_point(operation, output):
    missed, judged = [], 0
    for group in vectors.load(operation).groups:
        if output in group.expected:
            arguments = {**group.params, **group.arrays}
            actual = evaluate(operation, output, group.inputs, arguments)
            assert actual.shape == group.shape
            missed += misses(group.expected[output], actual, group.ids)
            judged += actual.size
    assert judged > 0
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_sum(operation):
    missed = []
    for case in vectors.load(operation).sums:
        arguments = {**case.params, **case.arrays}
        for output, expected in case.expected.items():
            if output == "normalizer":
                parts = evaluate(operation, "", case.inputs, arguments, "parts")
                actual = parts[1]
            else:
                actual = evaluate(operation, output, case.inputs, arguments, output)
            missed += misses(expected, actual, [f"{case.id} {output}"])
        actual = evaluate(operation, "grad_logits", case.inputs, arguments)
        missed += misses(case.grad_logits, actual, [case.id] * case.tile)
    assert not missed, "\n".join(missed)


def refused(operation, output, inputs, arguments):
    """Whether the reference raises; a NaN label may give NaN instead."""
    try:
        return bool(np.isnan(evaluate(operation, output, inputs, arguments)).all())
    except ValueError:
        return True


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_bad_value_is_refused(operation):
    accepted, judged = [], 0
    for group in vectors.load(operation).groups:
        if group.policy != "bad_value":
            continue
        arguments = {**group.params, **group.arrays}
        for i, name in enumerate(group.ids):
            inputs = {k: values[i : i + 1] for k, values in group.inputs.items()}
            for output in ("value", "grad_logits"):
                judged += 1
                if not refused(operation, output, inputs, arguments):
                    accepted.append(f"{name} {output}")
    assert judged > 0
    assert not accepted, "\n".join(accepted)
