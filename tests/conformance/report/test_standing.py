"""Levels in the summary of a run."""

from dataclasses import replace

from conformance.profiles import Result
from conformance.report.standing import sentences

PROFILES = ("accuracy", "gradients", "reductions", "semantics", "dtypes", "bad_input")


def result(profile, operation="sigmoid_focal_loss", **changes):
    fields = {
        "impl": "own",
        "profile": profile,
        "operation": operation,
        "group": f"{operation}/basic/default",
        "dtype": "float64",
        "transform": "eager",
        "reduction": "none",
        "output": "value",
        "status": "pass",
        "compared": 3,
    }
    return Result(**{**fields, **changes})


def test_operations_that_stand_alike_share_a_line():
    other = "cross_entropy"
    results = [result(p) for p in PROFILES] + [result(p, other) for p in PROFILES]
    assert [*sentences(results, PROFILES)] == [
        "own holds L0 L1 L2 in all 2 operations that it has"
    ]
    results.append(result("accuracy", other, status="fail", failed=1, lost="L2"))
    assert [*sentences(results, PROFILES)] == [
        "own holds L0 L1 L2 in sigmoid_focal_loss",
        "own holds L0 L1, loses L2 in cross_entropy",
    ]


def test_what_is_not_known_is_not_held():
    results = [result("accuracy")]
    (line,) = sentences(results, ("accuracy",))
    assert line == "own holds no level that is known in sigmoid_focal_loss"
    assert [*sentences([result("all", status="not_implemented")], PROFILES)] == []


def test_what_is_mostly_declined_is_held_in_part():
    declined = result("accuracy", status="not_implemented", compared=0)
    results = [*(result(p) for p in PROFILES), *([declined] * 7)]
    results = [replace(r, output=f"grad_{i}") for i, r in enumerate(results)]
    (line,) = sentences(results, PROFILES)
    assert line == "own holds L0 L1 L2 in part in sigmoid_focal_loss"
