"""Small reports made by hand."""

import json
import math
from dataclasses import replace

from conformance import vectors
from conformance.profiles import Failure, Result
from conformance.report.counts import tallies
from conformance.report.stream import Stream

PROFILES = ["accuracy", "gradients", "reductions", "semantics", "dtypes", "bad_input"]
HOSTILE = (
    "</script><img src=x onerror=document.title='taken'> \"'& | `a` "
    "\x1b[31mred\x00 \u202elr\u2028 \ud800 <!-- ]]>"
)
BCE = "binary_cross_entropy_with_logits"
GROUP = f"{BCE}/saturation/default"
POINT = next(g.ids[0] for g in vectors.load(BCE).groups if g.path == GROUP)

PASS = Result(
    impl="torch",
    profile="accuracy",
    operation=BCE,
    group=GROUP,
    dtype="float32",
    transform="eager",
    reduction="none",
    output="value",
    status="pass",
    compared=7,
    worst=1.25,
    worst_id=POINT,
    curve=((-17.0, 1.25), (0.0, 0.5), (40.0, 0.0)),
)
FAIL = replace(
    PASS,
    profile="gradients",
    output="grad_logits",
    status="fail",
    failed=2,
    worst=math.inf,
    failures=(Failure(POINT, -0.5, math.nan, math.inf),),
    lost="L1",
    clauses=("BCE-2",),
    diagnosis="off by the factor 2 throughout",
    curve=((-17.0, math.inf), (0.0, 9.0)),
)
NOTHING = {"compared": 0, "worst": None, "worst_id": "", "curve": ()}
ERRORED = replace(
    PASS, status="errored", reason=f"RuntimeError: {HOSTILE}", lost="L0", **NOTHING
)
SKIPPED = replace(
    PASS, transform="compile", status="skipped", reason="no compiler", **NOTHING
)
MISSING = replace(
    PASS,
    operation="cross_entropy",
    group="cross_entropy",
    dtype="all",
    status="not_implemented",
    reason="no such operation",
    **NOTHING,
)
CUT = {"interrupted": True}
DOUBT = {"doubts": ["the harness does not see: NaN."]}
# A check, without any point of its own.
CHECK = replace(
    FAIL,
    profile="semantics",
    group=f"{BCE}/semantics/weights of 1 change nothing",
    failures=(),
    worst_id="",
    reason="0.25 of the largest number",
    curve=(),
    clauses=(),
)


def whole(impl="torch", **changes):
    """A run of every profile without a fault."""
    return [replace(PASS, impl=impl, profile=name, **changes) for name in PROFILES]


def header(impls=("torch",), **options):
    asked = {"impl": list(impls), "profile": PROFILES, "select": "", "quick": False}
    return {
        "spec": "1.0.0",
        "digest": "d" * 64,
        "source": "abc",
        "date": "2026-01-02T03:04:05+00:00",
        "versions": {"python": "3.11", "torch": "2.13.0"},
        "device": {"name": "cpu", "cpu": "some <cpu>"},
        "precision": {"torch_matmul": "highest"},
        "options": {**asked, **options},
        "command": ["conformance", "run", "--impl", ",".join(impls)],
    }


def report(folder, results, impls=("torch",), *, ended=None, **options):
    ending = {"interrupted": False, "seconds": 12.5, **(ended or {})}
    with Stream(folder / "report.json", header(impls, **options), results) as stream:
        counts = tallies(impls, results)
        record = {name: tally.record() for name, tally in counts.items()}
        stream.conclude(record, **ending)
    return folder


def mutant(name, kind="fault", *, killed: bool | None = True, **changes):
    return {
        "name": name,
        "kind": kind,
        "category": "gradient",
        "backend": "torch",
        "operation": BCE,
        "clause": "BCE-2",
        "what": "the gradient times 1.01",
        "killed": killed,
        "by": [POINT] if killed else [],
        **changes,
    }


def proof(folder, *mutants, interrupted=False, **asked):
    head = {"source": "abc", "options": asked}
    record = {"header": head, "mutants": mutants, "interrupted": interrupted}
    (folder / "prove.json").write_text(json.dumps(record))


def comparison(folder, **changes):
    levels = {"L0": "held", "L1": "lost", "L2": "lost", "L3": "unknown"}
    record = {
        "header": {"source": "abc"},
        "libraries": [
            {
                "name": "kornia",
                "version": "0.8",
                "operations": {BCE: {"levels": levels, "compared": 3}},
            }
        ],
        "deviations": [
            {
                "id": "kornia-nan",
                "library": "kornia",
                "operation": BCE,
                "level": "L1",
                "clause": "FOC-3",
                "observed": "NaN",
                "thread": "https://github.com/kornia/kornia/issues/918",
                "status": "reproduced",
            }
        ],
        **changes,
    }
    (folder / "matrix.json").write_text(json.dumps(record))


def outcome(folder, **changes):
    interval = {"first": "numpy", "second": "torch", "strategy": "plain", "n": 20}
    record = {
        "recipe": {"name": "pos_weight"},
        "verdict": "pass",
        "failures": [],
        "source": "abc",
        "data": {
            "digits": {
                "lockstep": {
                    "plain": {
                        "bound": [1e-14, 2e-14, 4e-14],
                        "shadow": [1e-15, None, 2e-15],
                        "distances": {"torch": [0.0, 1e-14, 1e-15]},
                        "verdict": {"torch": "pass"},
                        "horizon": 3,
                    }
                },
                "equivalence": [
                    {
                        **interval,
                        "metric": "f1_searched",
                        "margin": 0.02,
                        "mean": 0.001,
                        "low": -0.002,
                        "high": 0.004,
                        "verdict": "equivalent",
                    }
                ],
            }
        },
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "outcome.json").write_text(json.dumps(record))
