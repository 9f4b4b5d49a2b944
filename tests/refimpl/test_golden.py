"""The reference against the 50-digit truth, at a quarter of the backends' budget."""

import numpy as np
import pytest

from conformance import vectors
from conformance.adapters import Errored, Outputs, Request, resolve
from conformance.budgets import C_REFERENCE, error_units
from conformance.profiles.unit import refused
from conformance.registry import OPERATIONS

ADAPTER = resolve("numpy")


def ask(operation, case, want, reduction="none", inputs=None):
    record = OPERATIONS[operation]
    return ADAPTER.eval(
        Request(
            operation=operation,
            inputs=case.inputs if inputs is None else inputs,
            positional=record.positional,
            kinds=case.kinds,
            params=case.params,
            arrays=case.arrays,
            returns=record.returns,
            reduction=reduction,
            want=want,
        )
    )


def evaluate(operation, case, want, reduction="none"):
    outputs = ask(operation, case, want, reduction)
    assert isinstance(outputs, Outputs), outputs
    assert set(outputs.arrays) == set(want)
    return outputs.arrays


def misses(expected, actual, name):
    assert actual.shape == expected.hi.shape, name
    found = error_units(actual, expected.hi, expected.lo, expected.scale, "float64")
    return [
        f"{name} [{i}]: {found.flat[i]:.3g} units, {actual.flat[i]!r} "
        f"instead of {expected.hi.flat[i]!r}"
        for i in np.flatnonzero(~(found <= C_REFERENCE))
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_point(operation):
    missed, judged = [], 0
    for group in vectors.load(operation).groups:
        wanted = {**group.expected, **group.totals}
        if wanted:
            actual = evaluate(operation, group, tuple(wanted))
            for output, expected in wanted.items():
                missed += misses(expected, actual[output], f"{group.path} {output}")
                judged += expected.hi.size
    assert judged > 0
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_sum(operation):
    missed = []
    for case in vectors.load(operation).sums:
        named = {"sum": "value", "mean": "value", "normalizer": "normalizer"}
        slopes = {name: case.elements(name) for name in case.slopes}
        for output, expected in {**slopes, **case.expected}.items():
            reduction = {"mean": "mean", "normalizer": "parts"}.get(output, "sum")
            want = named.get(output, output)
            actual = evaluate(operation, case, (want,), reduction)[want]
            missed += misses(expected, actual, f"{case.id} {output}")
    assert not missed, "\n".join(missed)


def accepted(operation, group, i, output):
    """Whether the reference neither raises nor gives NaN."""
    inputs = {k: values[i : i + 1] for k, values in group.inputs.items()}
    answer = ask(operation, group, (output,), inputs=inputs)
    if isinstance(answer, Errored):
        return answer.kind != "ValueError"
    assert isinstance(answer, Outputs), answer
    return not np.isnan(answer.arrays[output]).all()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_bad_value_is_refused(operation):
    groups = [g for g in vectors.load(operation).groups if g.policy == "bad_value"]
    slipped = [
        f"{name} {output}"
        for group in groups
        for i, name in enumerate(group.ids)
        for output in refused(OPERATIONS[operation])
        if accepted(operation, group, i, output)
    ]
    assert groups
    assert not slipped, "\n".join(slipped)
