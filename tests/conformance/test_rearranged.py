import numpy as np
import pytest

import refimpl
from conformance.adapters import from_functions
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import Check, evaluate

BCE = "binary_cross_entropy_with_logits"


def statuses(function):
    adapter = from_functions({BCE: function}, framework="numpy")
    one = Judged("any", adapter, adapter.start(), "cpu")
    options = Options(select=f"{BCE}/reduction/default;n=1025*")
    asked = list(units(one, "reductions", choose(options), options))
    found = {}
    for check in asked:
        if isinstance(check, Check):
            for result in evaluate(check, adapter, "any", "cpu", 8.0):
                kind = check.path.rpartition(";")[2]
                found[kind, result.output] = result.status
    return found


def summed(change):
    def loss(logits, labels, *, reduction="mean", **options):
        out = getattr(refimpl, BCE)(logits, labels, reduction=reduction, **options)
        if reduction != "parts":
            return out
        total, normalizer = change(out[0], out[1], logits)
        return total, normalizer

    return loss


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda t, n, _: (t, n), set()),
        (lambda t, n, x: (t * (1 + 1e-9 * (x.size % 2 == 0)), n), {"chunked sum"}),
        (lambda t, n, _: (t, max(n, 200)), {"chunked normalizer"}),
        (
            lambda t, n, x: (t + (1e-6 if x[1] - x[0] != np.diff(FIRST) else 0), n),
            {"permuted sum", "chunked sum"},
        ),
    ],
)
def test_order_and_cuts(change, wrong):
    found = statuses(summed(change))
    assert set(found) == {
        (kind, output)
        for kind in ("permuted", "chunked")
        for output in ("sum", "normalizer")
    }
    assert {" ".join(key) for key, status in found.items() if status == "fail"} == wrong


def test_what_raises_is_no_pass():
    def raising(*_, **__):
        raise RuntimeError("no")

    assert set(statuses(raising).values()) == {"errored"}


def first_logits():
    options = Options(select=f"{BCE}/reduction/default;n=1025*")
    _, (case,) = choose(options)[BCE]
    return case.inputs["logits"][:2]


FIRST = first_logits()
